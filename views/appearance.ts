/** How this gateway looks: what an operator may set. */
export interface Appearance {
  /** The gateway's own name. */
  readonly name: string
  /** Where `themeCss` is served; `themeAsset(accent).path`. */
  readonly themePath: string
  /** Own path of the operator's logo; our mark stands in when there is none. */
  readonly logoPath?: string | undefined
}

/** An app as people see it. */
export interface AppFace {
  readonly name: string
  /** Own path of its logo; its initial on a coloured tile stands in when there is none. */
  readonly logoPath?: string | undefined
}
