import type { AccountId } from '../kernel/ids.ts'

/**
 * A person's stored record. The password's hash is not part of it: it stays in the store and is asked for by name, so that no
 * page, log or answer can leak it by printing an Account.
 */
export interface Account {
  /** The subject that apps know. Random or chosen in the file, never derived again: an e-mail may change hands (DECISIONS 18). */
  readonly id: AccountId
  /** As the person wrote it; compared in its folded form only (`directory.foldEmail`). */
  readonly email: string
  readonly name: string
  readonly groups: readonly string[]
  /** May run this gateway. */
  readonly operator: boolean
  readonly state: AccountState
  /** Declared by the configuration file, which then decides its fields and its password (DECISIONS 32). */
  readonly fileOwned: boolean
  readonly hasPassword: boolean
  /** When the password last changed; a proof with an older one no longer counts. */
  readonly passwordChangedAt?: number
  /** WebAuthn user handle: random and of no meaning, because authenticators store and show it. */
  readonly webauthnUser: string
  readonly createdAt: number
  readonly updatedAt: number
}

export type AccountState = 'active' | 'disabled'

/** What a change may rewrite. Only the fields present are written, so two changes at once do not undo each other. */
export interface AccountChange {
  readonly email?: string
  readonly name?: string
  readonly groups?: readonly string[]
  readonly operator?: boolean
  readonly state?: AccountState
}
