/** Where a value stands in the configuration: keys and list positions from the top. */
export type SettingPath = readonly (string | number)[]

/** `apps[0].oidc.client_id` */
export function pathText(path: SettingPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? step : `${text}.${step}`
  }, '')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function valueAt(tree: unknown, path: SettingPath): unknown {
  let current = tree
  for (const step of path) {
    if (typeof step === 'number') current = Array.isArray(current) ? current[step] : undefined
    else current = isRecord(current) && Object.hasOwn(current, step) ? current[step] : undefined
  }
  return current
}
