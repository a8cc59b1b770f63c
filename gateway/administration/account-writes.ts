/**
 * Every write of an account after which a session may rest on what is no longer so.
 *
 * Owns: that such a write and the end of what it took away commit together (DECISIONS 96). The account is compared before and after,
 * so whoever writes cannot forget what to end, and cannot choose to. Relies on: the one door; nobody else is handed `AccountRewrites`.
 * Never: decides who may write; that is the command's.
 */
import type { Account, AccountChange } from '../accounts/account.ts'
import type { PasskeyCredential } from '../accounts/credential.ts'
import type { AccountRewrites, AccountStore, CredentialRemovals, CredentialStore } from '../accounts/store.ts'
import { isOpenTo } from '../apps/app.ts'
import type { AppStore, ConsentRemovals } from '../apps/store.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AccountId, AppSessionId, CredentialId, SsoSessionId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Actor, Cause } from '../sessions/cause.ts'
import type { EndResult, EndSession, SessionSelector } from '../sessions/ending.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore, TokenStore } from '../sessions/store.ts'

/** The writes of one account, lent for the length of `AccountWrites.run`. */
export interface AccountPen {
  change(change: AccountChange): Promise<Account | 'email-taken' | undefined>
  setPassword(passwordHash: string | undefined): Promise<void>
  /** Undefined when the account has no such passkey, or another caller was first. */
  removePasskey(id: CredentialId): Promise<PasskeyCredential | undefined>
  /** With its passkeys and its consents. */
  delete(): Promise<void>
}

export interface AccountWriteOptions {
  /** The session that changes its own password lives on (DECISIONS 20). */
  readonly spared?: SsoSessionId
  /** Somebody else may be in: a lost passkey takes every session with it, not only those that it opened. */
  readonly compromised?: boolean
}

export interface Written<Result> {
  readonly result: Result
  readonly ended: EndResult
}

export interface AccountWrites {
  /** Holds the account, lends the pen to `work`, and ends what the account lost by it. All of it in one transaction, the caller's or its own. */
  run<Result>(
    id: AccountId,
    by: Actor,
    work: (pen: AccountPen) => Promise<Result>,
    options?: AccountWriteOptions,
  ): Promise<Written<Result>>
}

export interface AccountWritesDeps {
  readonly accounts: Pick<AccountStore, 'findAndHold' | 'find' | 'passwordHashOf'>
  readonly credentials: Pick<CredentialStore, 'find' | 'listByAccount'>
  readonly rewrites: {
    readonly accounts: AccountRewrites
    readonly credentials: CredentialRemovals
    readonly consents: Pick<ConsentRemovals, 'forgetAccount'>
  }
  readonly apps: Pick<AppStore, 'list'>
  readonly sessions: Pick<SessionStore, 'listByAccount' | 'appSessionsOf'>
  readonly tokens: Pick<TokenStore, 'listOffline'>
  readonly endSession: EndSession
  readonly transaction: Transaction
  readonly clock: Clock
}

/** What a session of an account rests on. */
interface Footing {
  readonly account: Account
  readonly passwordHash: string | undefined
  readonly passkeys: readonly CredentialId[]
}

interface Loss {
  readonly selector: SessionSelector
  readonly cause: Cause
}

/** A page of a person's sessions; the store gives no more at a time. */
const sessionsAtOnce = 200
/** One authorization each that a person agreed to on a page; nobody clicks this often in half a year. */
const offlineMax = 10_000

/** Creates the one way to write accounts. */
export function createAccountWrites(deps: AccountWritesDeps): AccountWrites {
  const { accounts, rewrites } = deps

  const footingOf = async (account: Account | undefined): Promise<Footing | undefined> => {
    if (account === undefined) return undefined
    const passkeys = await deps.credentials.listByAccount(account.id)
    return {
      account,
      passwordHash: await accounts.passwordHashOf(account.id),
      passkeys: passkeys.map(({ id }) => id),
    }
  }

  const penOf = (id: AccountId): AccountPen => ({
    change: (change) => rewrites.accounts.change(id, change, deps.clock.now()),
    setPassword: async (passwordHash) => {
      await rewrites.accounts.setPassword(id, passwordHash, deps.clock.now())
    },
    removePasskey: async (credentialId) => {
      const credential = await deps.credentials.find(credentialId)
      return credential?.accountId === id ? rewrites.credentials.delete(credentialId) : undefined
    },
    delete: async () => {
      await rewrites.consents.forgetAccount(id)
      await rewrites.accounts.delete(id)
    },
  })

  /** Every live AppSession at an app that the person may not open, and those that an app kept access of. By the store, not by what this process remembers of the apps. */
  const closedTo = async ({ id, groups }: Account): Promise<readonly AppSessionId[]> => {
    const open = new Set((await deps.apps.list()).filter((app) => isOpenTo(app, groups)).map((app) => app.id))
    const closed: AppSessionId[] = []
    let last: SsoSession | undefined
    do {
      const page: readonly SsoSession[] = await deps.sessions.listByAccount(id, {
        state: 'active',
        limit: sessionsAtOnce,
        ...(last === undefined ? {} : { before: last }),
      })
      const joined = await deps.sessions.appSessionsOf(
        page.map((session) => session.id),
        'active',
      )
      for (const { id: appSessionId, appId } of joined) if (!open.has(appId)) closed.push(appSessionId)
      last = page.length === sessionsAtOnce ? page.at(-1) : undefined
    } while (last !== undefined)
    for (const { appSessionId, appId } of await deps.tokens.listOffline({ accountId: id }, offlineMax))
      if (!open.has(appId)) closed.push(appSessionId)
    return closed
  }

  /** The gravest first: what it ends is gone when the next looks, so each session ends once and for what was worst. */
  const lossesOf = async (
    id: AccountId,
    before: Footing,
    after: Footing | undefined,
    { spared, compromised }: AccountWriteOptions,
  ): Promise<readonly Loss[]> => {
    const all: SessionSelector = { kind: 'account', accountId: id }
    if (after === undefined) return [{ selector: all, cause: 'account-deleted' }]
    // Whatever it was before: no session of a disabled account lives.
    if (after.account.state === 'disabled') return [{ selector: all, cause: 'account-disabled' }]
    const losses: Loss[] = []
    if (before.passwordHash !== after.passwordHash) {
      const selector = spared === undefined ? all : { ...all, except: spared }
      losses.push({ selector, cause: 'password-changed' })
    }
    const lost = before.passkeys.filter((passkey) => !after.passkeys.includes(passkey))
    if (compromised === true && lost.length > 0) losses.push({ selector: all, cause: 'credential-changed' })
    for (const credentialId of lost) {
      losses.push({ selector: { kind: 'credential', credentialId }, cause: 'credential-changed' })
    }
    const leftGroup = before.account.groups.some((group) => !after.account.groups.includes(group))
    if (leftGroup) {
      const ids = await closedTo(after.account)
      if (ids.length > 0) losses.push({ selector: { kind: 'app-sessions', ids }, cause: 'access-removed' })
    }
    return losses
  }

  return {
    run: (id, by, work, options = {}) =>
      deps.transaction.run(
        async () => {
          const before = await footingOf(await accounts.findAndHold(id))
          const result = await work(penOf(id))
          const losses =
            before === undefined
              ? []
              : await lossesOf(id, before, await footingOf(await accounts.find(id)), options)
          const ended: EndResult[] = []
          for (const { selector, cause } of losses) ended.push(await deps.endSession(selector, cause, by))
          return { result, ended: together(ended) }
        },
        { durable: true },
      ),
  }
}

/** What several ends of one command came to. They are told apart in the record; the command answers with the first that ended something. */
function together(ends: readonly EndResult[]): EndResult {
  const logoutId = ends.find((end) => end.logoutId !== undefined)?.logoutId
  const offlineAccesses = ends.reduce((sum, end) => sum + (end.offlineAccesses ?? 0), 0)
  return {
    ...(logoutId === undefined ? {} : { logoutId }),
    ssoSessionIds: ends.flatMap(({ ssoSessionIds }) => ssoSessionIds),
    appSessionIds: ends.flatMap(({ appSessionIds }) => appSessionIds),
    ...(offlineAccesses === 0 ? {} : { offlineAccesses }),
    ...(ends.some((end) => end.continues === true) ? { continues: true } : {}),
  }
}
