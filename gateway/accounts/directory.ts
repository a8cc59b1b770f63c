/**
 * The rules of accounts: what an e-mail, a name and a password may be, what a new account looks like.
 *
 * Owns: validation. Never: stores or hashes anything; pure functions only.
 */
import { type AccountId, newId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import { type Account, emailMaxLength, foldEmail } from './account.ts'

const nameMaxLength = 100
/**
 * What SP 800-63B-4 section 3.1.1.2 asks of a password that is the only factor, and here every one can be: a passkey is beside it, not
 * after it. Asked of new passwords; whoever has a shorter one keeps it.
 */
export const passwordMinLength = 15
/** A passphrase of any kind fits; a megabyte that only costs us time does not. */
export const passwordMaxLength = 1_024
const groupsMaxCount = 256
const webauthnUserBytes = 32

/** Control, format, unassigned and surrogate characters: invisible, so two names could look the same. */
const invisible = /\p{C}/u
/** The two joiners are format characters that names in Persian, Hindi and many other languages are spelled with. */
const invisibleInNames = /[\p{C}--[\u200c\u200d]]/v
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

/** The address as it is kept and shown: what the person typed, trimmed. Undefined when it cannot be one. */
export function parseEmail(text: string): string | undefined {
  const shown = text.normalize('NFC').trim()
  return foldEmail(shown) === undefined || shown.length > emailMaxLength ? undefined : shown
}

/** A display name of 1 to 100 characters on one line, trimmed. */
export function parseName(text: string): string | undefined {
  if (text.length > 8 * nameMaxLength) return undefined
  const name = text.normalize('NFC').trim()
  if (codePoints(name) > nameMaxLength || invisibleInNames.test(name)) return undefined
  return visible.test(name) ? name : undefined
}

/** A group name as in the configuration file: 1 to 64 characters without commas, trimmed at both ends. */
export function parseGroup(text: string): string | undefined {
  return /^[^\s,](?:[^,\p{C}]{0,62}[^\s,])?$/u.test(text) && !invisible.test(text) ? text : undefined
}

/** Each group once, sorted, so that equal sets are equal records. Undefined when one is not a group name or there are too many. */
export function parseGroups(texts: readonly string[]): readonly string[] | undefined {
  if (texts.length > groupsMaxCount) return undefined
  return texts.every((text) => parseGroup(text) !== undefined) ? [...new Set(texts)].sort() : undefined
}

/**
 * A password as it is hashed: NFC, so that é typed on any keyboard is the same password (SP 800-63B-4 section 3.1.1.2). Nothing else is
 * changed: no trimming, no folding, and U+0000 counts like any character. Undefined for what is longer than any password or is not
 * well-formed Unicode (unpaired surrogates would all hash alike).
 */
export function normalisePassword(text: string): string | undefined {
  if (text.length > 2 * passwordMaxLength || !text.isWellFormed()) return undefined
  const password = text.normalize('NFC')
  return codePoints(password) > passwordMaxLength ? undefined : password
}

export type NewPasswordProblem = 'too-short' | 'too-long' | 'not-text' | 'is-email'

/** What is wrong with a password that a person wants to have. Those from the configuration file are the operator's business. */
export function newPasswordProblem(text: string, email: string): NewPasswordProblem | undefined {
  if (!text.isWellFormed()) return 'not-text'
  const password = normalisePassword(text)
  if (password === undefined) return 'too-long'
  if (codePoints(password) < passwordMinLength) return 'too-short'
  return foldEmail(password) === foldEmail(email) && foldEmail(email) !== undefined ? 'is-email' : undefined
}

/** A new account, active. Its id and its WebAuthn user handle are random and independent of each other. */
export function createAccount(
  of: {
    readonly id?: AccountId
    readonly email: string
    readonly name?: string
    readonly groups?: readonly string[]
    readonly operator?: boolean
  },
  now: number,
  random: Random,
): Account {
  return {
    id: of.id ?? newId('account', random),
    email: of.email,
    name: of.name ?? of.email,
    groups: of.groups ?? [],
    operator: of.operator ?? false,
    state: 'active',
    fileOwned: false,
    hasPassword: false,
    webauthnUser: random.bytes(webauthnUserBytes).toString('base64url'),
    createdAt: now,
    updatedAt: now,
  }
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
