import type { AccountId } from '../kernel/ids.ts'

/**
 * A person's stored record. The password's hash is not part of it: it stays in the store and is asked for by name, so that no
 * page, log or answer can leak it by printing an Account.
 */
export interface Account {
  /** The subject that apps know. Random or chosen in the file, never derived again: an e-mail may change hands (DECISIONS 18). */
  readonly id: AccountId
  /** As the person wrote it; compared in its folded form only (`foldEmail`). */
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

/** RFC 5321 section 4.5.3.1: a path is at most 256 octets including its two angle brackets. */
export const emailMaxLength = 254

/**
 * The form in which e-mails are compared: compatibility-normalised, trimmed, lower-cased. Every spelling that means the same address
 * here finds the same account and shares one throttle counter (N-122). Undefined for what cannot be an address:
 * control and invisible characters are refused, so two addresses that look the same are the same.
 */
export function foldEmail(text: string): string | undefined {
  // Before normalising: NFKC can grow a character eighteenfold.
  if (text.length > 4 * emailMaxLength) return undefined
  // Twice: lower-casing can leave a letter and its mark apart.
  const folded = text.normalize('NFKC').trim().toLowerCase().normalize('NFKC')
  if (folded.length > emailMaxLength || /\p{C}/u.test(folded)) return undefined
  return /^[^\s@]+@[^\s@]+$/u.test(folded) ? folded : undefined
}
