/**
 * Applies the accounts that the configuration file declares (DECISIONS 32).
 *
 * Owns: that only what changed is written (a fresh salt is not a password change), and that an entry which disappears is disabled, not
 * deleted. Relies on: `account-writes`, which ends in the same transaction what the change took away.
 * Never: touches an account that the file does not and did not declare.
 */
import type { DeclaredAccount } from '#config/resolved.ts'
import { foldEmail } from '../accounts/account.ts'
import { createAccount, parseEmail, parseGroups, parseName } from '../accounts/directory.ts'
import type { Passwords } from '../accounts/passwords.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Changes } from '../kernel/changes.ts'
import type { Clock } from '../kernel/clock.ts'
import { keyedDigest } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, parseAccountId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { AccountWrites } from './account-writes.ts'
import { fingerprintOf } from './fingerprint.ts'

export interface DeclaredAccountsDeps {
  readonly accounts: AccountStore
  readonly passwords: Passwords
  readonly accountWrites: AccountWrites
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
  readonly fingerprintKey: Uint8Array
}

const byFile = { actor: { kind: 'configuration' } } as const

/** Applies what changed since the last start; returns how many accounts were written. */
export async function applyDeclaredAccounts(
  deps: DeclaredAccountsDeps,
  declared: readonly DeclaredAccount[],
): Promise<number> {
  const known = await deps.accounts.fileFingerprints()
  const entries = await withIds(deps, declared)
  const named = new Set<AccountId>(entries.map(({ id }) => id))
  let written = 0
  for (const id of known.keys()) {
    if (named.has(id)) continue
    await durably(deps, () => letGo(deps, id))
    written++
  }
  for (const { id, entry } of entries) {
    const fingerprint = fingerprintOf(deps.fingerprintKey, entry)
    if (known.get(id) === fingerprint) continue
    // Outside the transaction: a hash takes some tens of milliseconds and must not hold the only writer.
    const password = await passwordFor(deps, id, entry)
    await durably(deps, () => apply(deps, id, entry, password, fingerprint))
    written++
  }
  return written
}

interface Identified {
  readonly id: AccountId
  readonly entry: DeclaredAccount
}

/** What to do about the password: nothing, or write this hash; undefined means to have none. */
type PasswordStep = 'keep' | { readonly passwordHash: string | undefined }

/**
 * An entry without an id is the account that has its address, or a new one whose id is taken from a hash of it: stable from then on,
 * and saying nothing about the address.
 */
async function withIds(
  deps: DeclaredAccountsDeps,
  declared: readonly DeclaredAccount[],
): Promise<readonly Identified[]> {
  const entries: Identified[] = []
  for (const entry of declared) {
    const folded = foldEmail(entry.email)
    if (folded === undefined) throw misdeclared(entry, 'its e-mail is not an address')
    const sameAddress = entry.id === undefined ? await deps.accounts.findByFoldedEmail(folded) : undefined
    const id =
      sameAddress?.id ??
      parseAccountId(entry.id ?? `acc_${keyedDigest(deps.fingerprintKey, `account/${folded}`).slice(0, 22)}`)
    if (id === undefined) throw misdeclared(entry, 'its id is not an account id')
    if (entries.some((other) => other.id === id)) throw misdeclared(entry, 'it is declared twice')
    entries.push({ id, entry })
  }
  return entries
}

function durably(deps: DeclaredAccountsDeps, work: () => Promise<void>): Promise<void> {
  return deps.transaction.run(
    async () => {
      await work()
      await deps.changes.announce('accounts')
    },
    { durable: true },
  )
}

async function passwordFor(
  deps: DeclaredAccountsDeps,
  id: AccountId,
  entry: DeclaredAccount,
): Promise<PasswordStep> {
  const stored = await deps.accounts.passwordHashOf(id)
  if (entry.passwordHash !== undefined) {
    return entry.passwordHash === stored ? 'keep' : { passwordHash: entry.passwordHash }
  }
  if (entry.password === undefined) return stored === undefined ? 'keep' : { passwordHash: undefined }
  if (stored !== undefined) {
    const verified = await deps.passwords.verify(stored, entry.password)
    if (verified.kind === 'busy') throw busy()
    // Under older parameters it is the same password still: the next sign-in hashes it anew, and no session ends for it.
    if (verified.kind === 'right') return 'keep'
  }
  const hashed = await deps.passwords.hash(entry.password)
  if (hashed.kind === 'busy') throw busy()
  return { passwordHash: hashed.hash }
}

async function apply(
  deps: DeclaredAccountsDeps,
  id: AccountId,
  entry: DeclaredAccount,
  password: PasswordStep,
  fingerprint: string,
): Promise<void> {
  const before = await deps.accounts.findAndHold(id)
  if (before === undefined) return create(deps, id, entry, password, fingerprint)
  await deps.accounts.setFileFingerprint(id, fingerprint)
  await deps.accountWrites.run(id, byFile.actor, async (pen) => {
    const changed = await pen.change({
      ...fieldsOf(entry),
      // Declared all along, it keeps its state: an operator may have disabled it. Coming back, it is enabled.
      ...(before.fileOwned ? {} : { state: 'active' }),
    })
    if (changed === 'email-taken' || changed === undefined) throw misdeclared(entry, emailTaken)
    await deps.audit({ type: 'account.changed', accountId: id, fields: ['declared'] }, byFile)
    if (before.state !== changed.state) {
      await deps.audit({ type: 'account.enabled', accountId: id }, byFile)
    }
    if (password === 'keep') return
    await pen.setPassword(password.passwordHash)
    await deps.audit({ type: 'password.changed', accountId: id }, byFile)
  })
}

async function create(
  deps: DeclaredAccountsDeps,
  id: AccountId,
  entry: DeclaredAccount,
  password: PasswordStep,
  fingerprint: string,
): Promise<void> {
  const account = createAccount({ id, ...fieldsOf(entry) }, deps.clock.now(), deps.random)
  const passwordHash = password === 'keep' ? undefined : password.passwordHash
  const inserted = await deps.accounts.insert(account, {
    fileFingerprint: fingerprint,
    ...(passwordHash === undefined ? {} : { passwordHash }),
  })
  if (inserted !== 'inserted') throw misdeclared(entry, emailTaken)
  await deps.audit({ type: 'account.created', accountId: id }, byFile)
}

/** No longer in the file: disabled, and from now on the operator's to enable, change or delete. */
async function letGo(deps: DeclaredAccountsDeps, id: AccountId): Promise<void> {
  const account = await deps.accounts.findAndHold(id)
  if (account === undefined) return
  await deps.accounts.setFileFingerprint(id, undefined)
  await deps.accountWrites.run(id, byFile.actor, async (pen) => {
    if (account.state === 'disabled') return
    await pen.change({ state: 'disabled' })
    await deps.audit({ type: 'account.disabled', accountId: id }, byFile)
  })
}

const emailTaken = 'another account has its e-mail address'

function fieldsOf(entry: DeclaredAccount) {
  const email = parseEmail(entry.email)
  const name = parseName(entry.name ?? entry.email)
  const groups = parseGroups(entry.groups)
  if (email === undefined) throw misdeclared(entry, 'its e-mail is not an address')
  if (name === undefined) throw misdeclared(entry, 'its name is not one line of 1 to 100 characters')
  if (groups === undefined) throw misdeclared(entry, 'its groups are not group names')
  return { email, name, groups, operator: entry.operator }
}

function misdeclared(entry: DeclaredAccount, problem: string): GatewayError {
  const { file, line } = entry.source
  return new GatewayError('configuration_invalid', `${file}:${line}: account ${entry.email}: ${problem}.`)
}

function busy(): GatewayError {
  return new GatewayError('busy', 'Too many passwords at once. Start again.', { retryAfterSeconds: 2 })
}
