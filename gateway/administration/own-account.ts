/**
 * What people do to their own sessions and password.
 *
 * Owns: that each command acts for the person whose session is handed in, and on nobody else. Relies on: the one door, the throttle
 * (a stolen open browser must not guess the password at leisure). Never: asks whether the proof is fresh; the edge did.
 */
import { type Account, foldEmail } from '../accounts/account.ts'
import { type NewPasswordProblem, newPasswordProblem } from '../accounts/directory.ts'
import type { Passwords, PasswordsBusy } from '../accounts/passwords.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { AppId, SsoSessionId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndResult, EndSession, ThroughBrowser } from '../sessions/ending.ts'
import type { RevokeOffline } from '../sessions/offline-access.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'
import type { Throttle } from '../sign-in/throttle.ts'
import type { AccountWrites } from './account-writes.ts'

export interface OwnAccount {
  /** Ends the session. `through.appId`: an app asked for it and the person agreed. */
  signOut(session: SsoSession, through: ThroughBrowser): Promise<EndResult>
  /** Ends the session's part of the app that asked for it, and leaves the rest. */
  signOutOfApp(session: SsoSession, appId: AppId, through: ThroughBrowser): Promise<EndResult>
  /** Ends one session of the same person; an empty result when it is not theirs or has ended already. */
  endSession(session: SsoSession, id: SsoSessionId): Promise<EndResult>
  endOtherSessions(session: SsoSession): Promise<EndResult>
  /** Takes back what an app may do while the person is away; their sessions live on. False when it had nothing. */
  removeOffline(session: SsoSession, appId: AppId): Promise<boolean>
  /** Sets the password, ends all other sessions and replaces this one's secret (DECISIONS 20). */
  changePassword(of: PasswordChange): Promise<PasswordChangeOutcome>
}

export interface PasswordChange {
  readonly session: SsoSession
  /** Absent where the account has none yet. */
  readonly currentPassword?: string
  readonly newPassword: string
  readonly address: string
  /** Value of the cookie that tells browsers apart. */
  readonly browser: string
}

export type PasswordChangeOutcome =
  /** `secret` is the cookie's next value. */
  | { readonly kind: 'changed'; readonly secret: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'invalid'; readonly problem: NewPasswordProblem | 'unchanged' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | PasswordsBusy
  /** The configuration file decides it (DECISIONS 32). */
  | { readonly kind: 'file-owned' }
  | { readonly kind: 'session-ended' }

export interface OwnAccountDeps {
  readonly accounts: Pick<AccountStore, 'find' | 'findAndHold' | 'passwordHashOf'>
  readonly accountWrites: AccountWrites
  readonly passwords: Passwords
  readonly throttle: Pick<Throttle, 'admitPassword'>
  readonly registry: Pick<SessionRegistry, 'findLive' | 'replaceSecret'>
  readonly sessions: Pick<SessionStore, 'appSessionsOf'>
  readonly endSession: EndSession
  readonly revokeOffline: RevokeOffline
  readonly append: AppendAudit
  readonly transaction: Transaction
}

const nothingEnded: EndResult = { ssoSessionIds: [], appSessionIds: [] }

/** Creates the commands. */
export function createOwnAccount(deps: OwnAccountDeps): OwnAccount {
  const { accounts, endSession } = deps

  /** Whether the person knows the password they have. An account without one has nothing to know. */
  const proveCurrent = async (
    account: Account,
    of: PasswordChange,
  ): Promise<{ readonly kind: 'right'; readonly hash?: string } | PasswordChangeOutcome> => {
    if (!account.hasPassword) return { kind: 'right' }
    if (of.currentPassword === undefined) return { kind: 'wrong' }
    // Counted before it is judged, so that a hundred guesses at once count as a hundred (DECISIONS 40).
    const admission = await deps.throttle.admitPassword({
      address: of.address,
      foldedEmail: foldEmail(account.email),
      browser: of.browser,
    })
    if (admission.kind === 'throttled') {
      return { kind: 'throttled', retryAfterSeconds: admission.retryAfterSeconds }
    }
    const hash = await accounts.passwordHashOf(account.id)
    const verified = await deps.passwords.verify(hash, of.currentPassword)
    if (verified.kind === 'wrong') return { kind: 'wrong' }
    await admission.refund()
    return verified.kind === 'busy' ? verified : { kind: 'right', ...(hash === undefined ? {} : { hash }) }
  }

  const store = async (
    session: SsoSession,
    provedHash: string | undefined,
    hash: string,
  ): Promise<PasswordChangeOutcome> => {
    const account = await accounts.findAndHold(session.accountId)
    if (account?.state !== 'active') return { kind: 'session-ended' }
    // Changed while the old one was being checked: the check proves nothing any more.
    if ((await accounts.passwordHashOf(account.id)) !== provedHash) return { kind: 'wrong' }
    if ((await deps.registry.findLive(session.id)) === undefined) return { kind: 'session-ended' }
    const secret = await deps.registry.replaceSecret(session)
    if (secret === undefined) return { kind: 'session-ended' }
    const actor = actorOf(session)
    await deps.accountWrites.run(
      account.id,
      actor,
      async (pen) => {
        await pen.setPassword(hash)
        await deps.append({ type: 'password.changed', accountId: account.id }, { actor })
      },
      { spared: session.id },
    )
    return { kind: 'changed', secret }
  }

  return {
    signOut: (session, through) => {
      const whole = { kind: 'sso-sessions', ids: [session.id] } as const
      return through.appId === undefined
        ? endSession(whole, 'account', actorOf(session), through)
        : endSession(whole, 'app', { kind: 'app', appId: through.appId }, through)
    },

    signOutOfApp: async (session, appId, through) => {
      const active = await deps.sessions.appSessionsOf([session.id], 'active')
      const ids = active.filter((part) => part.appId === appId).map(({ id }) => id)
      return endSession({ kind: 'app-sessions', ids }, 'app', { kind: 'app', appId }, through)
    },

    endSession: async (session, id) => {
      const wanted = await deps.registry.findLive(id)
      if (wanted?.accountId !== session.accountId) return nothingEnded
      return endSession({ kind: 'sso-sessions', ids: [id] }, 'account', actorOf(session))
    },

    endOtherSessions: (session) =>
      endSession(
        { kind: 'account', accountId: session.accountId, except: session.id },
        'account-everywhere',
        actorOf(session),
      ),

    removeOffline: async (session, appId) => {
      const { accountId } = session
      const ofTheirs = { kind: 'app', appId, accountId } as const
      return (await deps.revokeOffline(ofTheirs, 'taken-back', actorOf(session))) > 0
    },

    changePassword: async (of) => {
      const account = await accounts.find(of.session.accountId)
      if (account === undefined) return { kind: 'session-ended' }
      if (account.fileOwned) return { kind: 'file-owned' }
      const problem = newPasswordProblem(of.newPassword, account.email)
      if (problem !== undefined) return { kind: 'invalid', problem }
      const proved = await proveCurrent(account, of)
      if (proved.kind !== 'right') return proved
      if (of.newPassword === of.currentPassword) return { kind: 'invalid', problem: 'unchanged' }
      const made = await deps.passwords.hash(of.newPassword)
      if (made.kind === 'busy') return made
      return deps.transaction.run(() => store(of.session, proved.hash, made.hash), { durable: true })
    },
  }
}

function actorOf(session: SsoSession): Actor {
  return { kind: 'account', accountId: session.accountId }
}
