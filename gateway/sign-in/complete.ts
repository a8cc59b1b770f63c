/**
 * From proofs to a session: the only place that begins or strengthens one for a person who signed in.
 *
 * Owns: that everything the proofs rest on still holds in the transaction that begins the session. Relies on: SessionRegistry,
 * the one door for what has to make room. Never: judges proofs; `decision` has.
 */
import type { Account } from '../accounts/account.ts'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { AccountId, LogoutId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndSession } from '../sessions/ending.ts'
import type { Authentication, SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'
import type { Proof } from './attempt.ts'

export interface CompleteDeps {
  readonly accounts: Pick<AccountStore, 'findAndHold'>
  readonly credentials: Pick<CredentialStore, 'find'>
  readonly sessions: Pick<SessionStore, 'leastRecentlyUsed'>
  readonly registry: Pick<SessionRegistry, 'begin' | 'strengthen'>
  readonly endSession: EndSession
  readonly append: AppendAudit
  readonly transaction: Transaction
  /** Sessions that an account may have at once; 0 means any number. */
  readonly maxPerAccount: number
}

export interface Completion {
  readonly accountId: AccountId
  readonly authentication: Authentication
  readonly proofs: readonly Proof[]
  readonly remember: boolean
  readonly address: string
  readonly userAgent: string
  readonly current?: SsoSession
  /** The browser's binding secret, and where it goes afterwards. */
  readonly browser: string
  readonly resumePath: string
}

export interface Begun {
  readonly session: SsoSession
  readonly secret: string
  /** The sign-out of whoever was here before, which the browser must pass by: it has apps to tell. */
  readonly signedOut?: LogoutId
}

/** More are over a limit only after it was lowered; the next sign-in ends the next so many. */
const endedForLimitMax = 100

export type Complete = ReturnType<typeof createComplete>

/** Creates the completion. Its answer is undefined when what was proved no longer counts. */
export function createComplete(deps: CompleteDeps) {
  /** Proofs are minutes old: a password may have been changed and a passkey removed since (N-014, N-146). */
  const stillHolds = async (proof: Proof, account: Account): Promise<boolean> => {
    switch (proof.method) {
      case 'password':
        return account.hasPassword && account.passwordChangedAt === proof.passwordChangedAt
      case 'passkey':
        return (await deps.credentials.find(proof.credentialId))?.accountId === account.id
      default:
        return proof satisfies never
    }
  }

  const makeRoom = async (accountId: AccountId, actor: Actor): Promise<void> => {
    if (deps.maxPerAccount === 0) return
    const active = await deps.sessions.leastRecentlyUsed(accountId, deps.maxPerAccount + endedForLimitMax)
    const tooMany = active.slice(0, Math.max(0, active.length + 1 - deps.maxPerAccount))
    if (tooMany.length === 0) return
    const ids = tooMany.slice(0, endedForLimitMax).map(({ id }) => id)
    await deps.endSession({ kind: 'sso-sessions', ids }, 'session-limit', actor)
  }

  return async (of: Completion): Promise<Begun | undefined> =>
    deps.transaction.run(
      async () => {
        // 1. Held, so that disabling this account at the same moment either sees the new session or prevents it.
        const account = await deps.accounts.findAndHold(of.accountId)
        if (account === undefined || account.state !== 'active') return undefined
        for (const proof of of.proofs) {
          if (!(await stillHolds(proof, account))) return undefined
        }

        const { authentication, current } = of
        const actor: Actor = { kind: 'account', accountId: account.id }
        const facts = {
          accountId: account.id,
          methods: authentication.methods,
          address: of.address,
        }

        // 2. The same person again: their session goes on under its id, which the engine insists on (DECISIONS 5).
        if (current?.accountId === account.id) {
          const strengthened = await deps.registry.strengthen(current, authentication)
          if (strengthened !== undefined) {
            const ssoSessionId = strengthened.session.id
            await deps.append({ type: 'session.strengthened', ssoSessionId, ...facts }, { actor })
            return strengthened
          }
        }

        // 3. Another person at this browser: the first one's session ends before the second one's begins (N-005).
        const switched =
          current === undefined || current.accountId === account.id
            ? undefined
            : await deps.endSession({ kind: 'sso-sessions', ids: [current.id] }, 'account-switched', actor, {
                browser: of.browser,
                continueTo: of.resumePath,
              })
        await makeRoom(account.id, actor)
        const begun = await deps.registry.begin({
          accountId: account.id,
          authentication,
          remembered: of.remember,
          address: of.address,
          userAgent: of.userAgent,
        })
        await deps.append({ type: 'session.started', ssoSessionId: begun.session.id, ...facts }, { actor })
        const { logoutId, browserNeeded } = switched ?? {}
        return {
          ...begun,
          ...(logoutId === undefined || browserNeeded !== true ? {} : { signedOut: logoutId }),
        }
      },
      { durable: true },
    )
}
