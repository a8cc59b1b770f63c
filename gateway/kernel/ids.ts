import type { Random } from './random.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** Names of records. They are published (in tokens, URLs, logs) and therefore never prove anything. */
export type SsoSessionId = Branded<'SsoSessionId'>
export type AppSessionId = Branded<'AppSessionId'>
export type AccountId = Branded<'AccountId'>
export type AppId = Branded<'AppId'>
export type CredentialId = Branded<'CredentialId'>
export type LogoutId = Branded<'LogoutId'>
export type DeliveryId = Branded<'DeliveryId'>
export type AttemptId = Branded<'AttemptId'>
export type WebhookMessageId = Branded<'WebhookMessageId'>
export type KeyId = Branded<'KeyId'>
export type ApiKeyId = Branded<'ApiKeyId'>

const prefixes = {
  ssoSession: 'ses',
  appSession: 'aps',
  account: 'acc',
  credential: 'crd',
  logout: 'lgo',
  delivery: 'dlv',
  attempt: 'att',
  webhookMessage: 'msg',
  apiKey: 'key',
} as const

interface IdKinds {
  ssoSession: SsoSessionId
  appSession: AppSessionId
  account: AccountId
  credential: CredentialId
  logout: LogoutId
  delivery: DeliveryId
  attempt: AttemptId
  webhookMessage: WebhookMessageId
  apiKey: ApiKeyId
}

/** 128 bits: two records never get the same name by chance. */
const idBytes = 16

/** A fresh id such as `ses_Zm9v…`: the prefix says in any log what it names. */
export function newId<Kind extends keyof IdKinds>(kind: Kind, random: Random): IdKinds[Kind] {
  return `${prefixes[kind]}_${random.bytes(idBytes).toString('base64url')}` as IdKinds[Kind]
}

/** In common: enough by itself that two makers never make the same by chance. */
const commonBytes = 12

/**
 * A maker of ids that lie beside one another where rows are kept in the order of their ids. Rows that are made, and written again, together
 * then share a page; by ids without an order each has a page of its own. At most 2³² of them.
 */
export function idsTogether<Kind extends keyof IdKinds>(kind: Kind, random: Random): () => IdKinds[Kind] {
  const bytes = Buffer.concat([random.bytes(commonBytes), Buffer.alloc(idBytes - commonBytes)])
  let made = 0
  return () => {
    bytes.writeUInt32BE(made++, commonBytes)
    return `${prefixes[kind]}_${bytes.toString('base64url')}` as IdKinds[Kind]
  }
}

/** The id when `text` is a well-formed one of that kind; undefined for anything else a URL or form may hold. */
export function parseId<Kind extends keyof IdKinds>(kind: Kind, text: unknown): IdKinds[Kind] | undefined {
  return typeof text === 'string' &&
    text.startsWith(`${prefixes[kind]}_`) &&
    /^[A-Za-z0-9_-]{5,64}$/.test(text)
    ? (text as IdKinds[Kind])
    : undefined
}

/** App ids and file-declared account ids are chosen by operators. */
const chosenId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The app id when `text` may be one: 1 to 64 of A-Z a-z 0-9 . _ - and starting with a letter or digit. */
export function parseAppId(text: unknown): AppId | undefined {
  return typeof text === 'string' && chosenId.test(text) ? (text as AppId) : undefined
}

/** The account id when `text` may be one; operators may choose ids for accounts that a file declares. */
export function parseAccountId(text: unknown): AccountId | undefined {
  return typeof text === 'string' && chosenId.test(text) ? (text as AccountId) : undefined
}
