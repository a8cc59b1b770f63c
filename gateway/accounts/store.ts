import type { AccountId, CredentialId } from '../kernel/ids.ts'
import type { Account, AccountChange } from './account.ts'
import type { PasskeyCredential } from './credential.ts'

/** What the store keeps beside the record. */
export interface AccountSecrets {
  /** PHC text of the password's hash. */
  readonly passwordHash?: string
  /** Keyed fingerprint of the entry in the configuration file; its presence makes the account file-owned. */
  readonly fileFingerprint?: string
}

/** Why a record could not be written. */
export type AccountConflict = 'id-taken' | 'email-taken'

/**
 * Records of people, and every write of them that takes nothing away. E-mails are given as they are and found by their folded form
 * (`foldEmail`). Absence is undefined; a store that cannot answer throws GatewayError `store_unavailable` or `store_full`.
 */
export interface AccountStore {
  /** `hasPassword`, `passwordChangedAt` and `fileOwned` of the record are taken from `secrets`, and from `createdAt`. */
  insert(account: Account, secrets: AccountSecrets): Promise<'inserted' | AccountConflict>
  /** Inserts only while no account is an operator: of any number of calls at once, one wins (N-195). */
  insertFirstOperator(
    account: Account,
    secrets: AccountSecrets,
  ): Promise<'inserted' | 'operator-exists' | AccountConflict>

  find(id: AccountId): Promise<Account | undefined>
  /**
   * Finds and holds: until the current transaction ends nobody else changes the account or holds it. Beginning a session and
   * disabling an account both hold it, so neither misses the other (N-014). Only inside a transaction.
   */
  findAndHold(id: AccountId): Promise<Account | undefined>
  findByFoldedEmail(folded: string): Promise<Account | undefined>
  findByWebauthnUser(webauthnUser: string): Promise<Account | undefined>
  /** By folded e-mail, ascending, after `after` (a folded e-mail); `limit` at most 200. */
  list(page: { readonly limit: number; readonly after?: string }): Promise<readonly Account[]>
  /** True when any account, whatever its state, is an operator. */
  anyOperator(): Promise<boolean>

  passwordHashOf(id: AccountId): Promise<string | undefined>
  /** The same password under newer parameters: `passwordChangedAt` stays. False when `from` is no longer the hash. */
  rehashPassword(id: AccountId, from: string, to: string): Promise<boolean>

  /** Fingerprints of all file-owned accounts. */
  fileFingerprints(): Promise<ReadonlyMap<AccountId, string>>
  setFileFingerprint(id: AccountId, fingerprint: string | undefined): Promise<boolean>
}

/**
 * The writes after which a session may rest on what is no longer so. Only `administration/account-writes` is handed them: it ends what
 * was lost in the same transaction (DECISIONS 96).
 */
export interface AccountRewrites {
  /** Writes the named fields and returns the record after it. */
  change(id: AccountId, change: AccountChange, at: number): Promise<Account | 'email-taken' | undefined>
  /** Deletes the account with its credentials. False when there was none. */
  delete(id: AccountId): Promise<boolean>
  /** A new password, or none: moves `passwordChangedAt`. False when there is no such account. */
  setPassword(id: AccountId, passwordHash: string | undefined, at: number): Promise<boolean>
}

/** Passkeys, and every write of them that takes nothing away. */
export interface CredentialStore {
  /** `too-many` when the account holds `maxPerAccount` already, exact under any parallelism. */
  insert(credential: PasskeyCredential, maxPerAccount: number): Promise<'inserted' | 'exists' | 'too-many'>
  find(id: CredentialId): Promise<PasskeyCredential | undefined>
  findByWebauthnId(webauthnId: string): Promise<PasskeyCredential | undefined>
  /** Oldest first. */
  listByAccount(accountId: AccountId): Promise<readonly PasskeyCredential[]>
  /**
   * Notes a use: sets the counter only when it grew, or when stored and shown are both 0 (WebAuthn section 7.2, step 22), judged and
   * written in one statement. `regressed` writes nothing.
   */
  recordUse(
    id: CredentialId,
    use: { readonly counter: number; readonly backedUp: boolean; readonly at: number },
  ): Promise<'recorded' | 'regressed' | 'missing'>
  rename(id: CredentialId, name: string): Promise<boolean>
}

/** Handed to `administration/account-writes` alone, as `AccountRewrites` are. */
export interface CredentialRemovals {
  /** Final: nothing finds it afterwards, on any node. Returns what it deleted: of parallel calls, one gets it. */
  delete(id: CredentialId): Promise<PasskeyCredential | undefined>
}
