/**
 * What operators do to people's accounts.
 *
 * Owns: that a change and the line in the audit trail commit together. Relies on: `account-writes`, which ends in the same transaction
 * what the change took away. Never: talks to apps or people.
 */
import type { Account, AccountChange } from '../accounts/account.ts'
import {
  createAccount,
  newPasswordProblem,
  parseEmail,
  parseGroups,
  parseName,
  passwordMaxLength,
  passwordMinLength,
} from '../accounts/directory.ts'
import type { Passwords } from '../accounts/passwords.ts'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Changes } from '../kernel/changes.ts'
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AccountId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { EndResult } from '../sessions/ending.ts'
import type { AccountPen, AccountWriteOptions, AccountWrites, Written } from './account-writes.ts'
import { type Administrator, requireAdministrator } from './administrator.ts'

export interface AccountCommandsDeps {
  readonly accounts: AccountStore
  readonly credentials: Pick<CredentialStore, 'listByAccount'>
  readonly accountWrites: AccountWrites
  readonly passwords: Passwords
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
}

export interface NewAccount {
  readonly email: string
  readonly name?: string
  readonly groups?: readonly string[]
  readonly operator?: boolean
  /** Without one the person needs a reset before they can sign in. */
  readonly password?: string
}

/** Every method throws GatewayError `account_not_found` for an unknown account and `forbidden` for who may not. */
export interface AccountCommands {
  /** Throws `account_exists` when the address is taken. */
  create(of: NewAccount, by: Administrator): Promise<Account>
  /** Groups that are taken away end the person's sessions at apps that were open to them only. */
  change(id: AccountId, change: Omit<AccountChange, 'state'>, by: Administrator): Promise<Account>
  /** Ends every session. Allowed for file-owned accounts too: an emergency must not wait for a restart. */
  disable(id: AccountId, by: Administrator): Promise<EndResult>
  enable(id: AccountId, by: Administrator): Promise<void>
  delete(id: AccountId, by: Administrator): Promise<EndResult>
  /** Ends every session. */
  setPassword(id: AccountId, password: string, by: Administrator): Promise<EndResult>
  /**
   * For someone who lost what they sign in with, or fears that another has it: removes every passkey, sets `password` when one is
   * given, ends every session. A file-owned account's password stays what the file says.
   */
  reset(id: AccountId, password: string | undefined, by: Administrator): Promise<EndResult>
}

/** Creates the commands. */
export function createAccountCommands(deps: AccountCommandsDeps): AccountCommands {
  const { accounts, transaction, audit, clock } = deps

  /** One durable transaction: who may, the account held against whoever signs in meanwhile, then the work. */
  const onAccount = <Result>(
    id: AccountId,
    by: Administrator,
    work: (account: Account, pen: AccountPen) => Promise<Result>,
    options: AccountWriteOptions = {},
  ): Promise<Written<Result>> =>
    transaction.run(
      async () => {
        await requireAdministrator(accounts, by)
        const account = await accounts.findAndHold(id)
        if (account === undefined) throw new GatewayError('account_not_found', 'There is no such account.')
        const written = await deps.accountWrites.run(id, by, (pen) => work(account, pen), options)
        await deps.changes.announce('accounts')
        return written
      },
      { durable: true },
    )

  const hash = async (password: string, email: string): Promise<string> => {
    refuseWeakPassword(password, email)
    const hashed = await deps.passwords.hash(password)
    if (hashed.kind === 'hashed') return hashed.hash
    throw new GatewayError('busy', 'Too much is happening at once. Try again.', hashed)
  }

  const setState = (id: AccountId, state: Account['state'], by: Administrator): Promise<Written<void>> =>
    onAccount(id, by, async (account, pen) => {
      if (account.state === state) return
      await pen.change({ state })
      const type = state === 'disabled' ? 'account.disabled' : 'account.enabled'
      await audit({ type, accountId: id }, { actor: by })
    })

  const writePassword = async (
    { id }: Account,
    pen: AccountPen,
    hashed: string,
    by: Administrator,
  ): Promise<void> => {
    await pen.setPassword(hashed)
    await audit({ type: 'password.changed', accountId: id }, { actor: by })
  }

  return {
    create: async (of, by) => {
      const email = checkedEmail(of.email)
      const account = createAccount(
        {
          email,
          ...(of.name === undefined ? {} : { name: checkedName(of.name) }),
          ...(of.groups === undefined ? {} : { groups: checkedGroups(of.groups) }),
          ...(of.operator === undefined ? {} : { operator: of.operator }),
        },
        clock.now(),
        deps.random,
      )
      const passwordHash = of.password === undefined ? undefined : await hash(of.password, email)
      return transaction.run(
        async () => {
          await requireAdministrator(accounts, by)
          const inserted = await accounts.insert(account, passwordHash === undefined ? {} : { passwordHash })
          if (inserted !== 'inserted') {
            throw new GatewayError('account_exists', 'Another account has this e-mail address.')
          }
          await audit({ type: 'account.created', accountId: account.id }, { actor: by })
          await deps.changes.announce('accounts')
          return (await accounts.find(account.id)) ?? account
        },
        { durable: true },
      )
    },

    change: async (id, change, by) => {
      const { result } = await onAccount(id, by, async (account, pen) => {
        refuseFileOwned(account)
        const checked = checkedChange(change)
        const fields = Object.keys(checked)
        if (fields.length === 0) return account
        const changed = await pen.change(checked)
        if (changed === 'email-taken' || changed === undefined) {
          throw new GatewayError('account_exists', 'Another account has this e-mail address.')
        }
        await audit({ type: 'account.changed', accountId: id, fields }, { actor: by })
        return changed
      })
      return result
    },

    disable: async (id, by) => (await setState(id, 'disabled', by)).ended,

    enable: async (id, by) => {
      await setState(id, 'active', by)
    },

    delete: async (id, by) => {
      const { ended } = await onAccount(id, by, async (account, pen) => {
        refuseFileOwned(account)
        await pen.delete()
        await audit({ type: 'account.deleted', accountId: id }, { actor: by })
      })
      return ended
    },

    setPassword: async (id, password, by) => {
      const passwordHash = await hash(password, (await accounts.find(id))?.email ?? '')
      const { ended } = await onAccount(id, by, async (account, pen) => {
        refuseFileOwned(account)
        await writePassword(account, pen, passwordHash, by)
      })
      return ended
    },

    reset: async (id, password, by) => {
      const email = (await accounts.find(id))?.email ?? ''
      const passwordHash = password === undefined ? undefined : await hash(password, email)
      const { ended } = await onAccount(
        id,
        by,
        async (account, pen) => {
          if (passwordHash !== undefined) refuseFileOwned(account)
          for (const { id: credentialId } of await deps.credentials.listByAccount(id)) {
            if ((await pen.removePasskey(credentialId)) === undefined) continue
            await audit({ type: 'passkey.removed', accountId: id, credentialId }, { actor: by })
          }
          if (passwordHash !== undefined) await writePassword(account, pen, passwordHash, by)
        },
        { compromised: true },
      )
      return ended
    },
  }
}

function refuseFileOwned(account: Account): void {
  if (!account.fileOwned) return
  throw new GatewayError(
    'account_file_owned',
    'The configuration file declares this account: change it there and restart.',
  )
}

function checkedChange(change: Omit<AccountChange, 'state'>): AccountChange {
  return {
    ...(change.email === undefined ? {} : { email: checkedEmail(change.email) }),
    ...(change.name === undefined ? {} : { name: checkedName(change.name) }),
    ...(change.groups === undefined ? {} : { groups: checkedGroups(change.groups) }),
    ...(change.operator === undefined ? {} : { operator: change.operator }),
  }
}

function checkedEmail(text: string): string {
  return parseEmail(text) ?? refuse('That is not an e-mail address.')
}

function checkedName(text: string): string {
  return parseName(text) ?? refuse('A name has 1 to 100 characters on one line.')
}

function checkedGroups(texts: readonly string[]): readonly string[] {
  return (
    parseGroups(texts) ?? refuse('A group name has 1 to 64 characters and no commas; at most 256 groups.')
  )
}

function refuseWeakPassword(password: string, email: string): void {
  const problem = newPasswordProblem(password, email)
  if (problem === undefined) return
  const words: Record<typeof problem, string> = {
    'too-short': `A password has at least ${passwordMinLength} characters.`,
    'too-long': `A password has at most ${passwordMaxLength} characters.`,
    'not-text': 'That is not well-formed text.',
    'is-email': 'The password must not be the e-mail address.',
  }
  refuse(words[problem])
}

function refuse(message: string): never {
  throw new GatewayError('input_invalid', message)
}
