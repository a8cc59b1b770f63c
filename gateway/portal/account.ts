/** A person's own account: passkeys, sessions, apps with access while they are away, password, and what has ended. */
import type Router from '@koa/router'
import {
  type AccountDone,
  type AccountModel,
  type AccountProblem,
  accountPage,
} from '#views/pages/account.ts'
import type { EndedSession } from '#views/pages/account-history.ts'
import type { AccountPasskey } from '#views/pages/account-passkeys.ts'
import type { AccountPassword } from '#views/pages/account-password.ts'
import type { AccountSession } from '#views/pages/account-sessions.ts'
import type { Account } from '../accounts/account.ts'
import { passwordMinLength } from '../accounts/directory.ts'
import type { Notices } from '../pages/notices.ts'
import { goTo, type Pages, type Person } from '../pages/pages.ts'
import { absoluteEndAt, endsAt } from '../sessions/lifetime.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import { awayAppsOf } from './account-away.ts'
import type { PortalDeps } from './deps.ts'
import { deviceWords, isHandheld } from './device.ts'

/** What the page says of what was just done. */
export type AccountNotice = AccountDone | AccountProblem

/** Where a person goes to prove once more who they are, before something is changed here. */
export const confirmPath = '/account/confirm'

/** More live sessions than a person can tell apart; all of them end with "Sign out everywhere else". */
const maxLive = 100
const maxEnded = 20

/** GET /account and the way to a fresh proof. */
export function addAccountRoutes(
  router: Router,
  deps: PortalDeps,
  pages: Pages,
  notices: Notices<AccountNotice>,
): void {
  router.get('/account', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    pages.show(ctx, accountPage(await modelOf(person, pages.csrfFor(ctx, person))))
  })

  router.get(confirmPath, async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    goTo(ctx, await pages.toConfirm(ctx, person, '/account'))
  })

  async function modelOf(person: Person, csrf: string): Promise<AccountModel> {
    const { account, session } = person
    const now = deps.clock.now()
    const listed = await deps.sessionStore.listByAccount(account.id, { state: 'active', limit: maxLive })
    const live = listed.some(({ id }) => id === session.id) ? listed : [session, ...listed]
    const notice = await notices.take(session)
    return {
      appearance: deps.appearance,
      csrf,
      now,
      account: { email: account.email, name: account.name === account.email ? undefined : account.name },
      isOperator: account.operator,
      passkeys: await passkeysOf(person, live),
      sessions: await sessionsOf(session, live, now),
      away: await awayAppsOf(deps, account, now),
      password: passwordOf(account),
      ended: await endedOf(account),
      confirmPath: pages.isFresh(session) ? undefined : confirmPath,
      done: doneNotices.find((done) => done === notice),
      problem: problemNotices.find((problem) => problem === notice),
    }
  }

  async function passkeysOf(
    { account, session }: Person,
    live: readonly SsoSession[],
  ): Promise<readonly AccountPasskey[]> {
    return (await deps.passkeys.list(account.id)).map((passkey) => ({
      id: passkey.id,
      name: passkey.name,
      addedAt: passkey.createdAt,
      lastUsedAt: passkey.lastUsedAt,
      synced: passkey.backedUp,
      liveSessions: live.filter(({ credentialIds }) => credentialIds.includes(passkey.id)).length,
      openedThisSession: session.credentialIds.includes(passkey.id),
    }))
  }

  async function sessionsOf(
    current: SsoSession,
    live: readonly SsoSession[],
    now: number,
  ): Promise<readonly AccountSession[]> {
    // What has run out is no session any more, whether or not the sweeper has been here.
    const open = live.filter((session) => endsAt(session, deps.sessions.policy) > now)
    const appSessions = await deps.sessionStore.appSessionsOf(
      open.map(({ id }) => id),
      'active',
    )
    const apps = Map.groupBy(appSessions, ({ ssoSessionId }) => ssoSessionId)
    return open
      .map((session) => ({
        id: session.id,
        current: session.id === current.id,
        device: deviceWords(session.userAgent),
        handheld: isHandheld(session.userAgent),
        address: session.address,
        startedAt: session.startedAt,
        lastActiveAt: session.lastSeenAt,
        lastsUntil: absoluteEndAt(session, deps.sessions.policy),
        method: methodWords(session),
        apps: (apps.get(session.id) ?? []).map(({ appId }) => ({
          name: deps.apps.find(appId)?.name ?? appId,
        })),
      }))
      .sort(
        (one, other) => Number(other.current) - Number(one.current) || other.lastActiveAt - one.lastActiveAt,
      )
  }

  async function endedOf(account: Account): Promise<readonly EndedSession[]> {
    const sessions = await deps.sessionStore.listByAccount(account.id, { state: 'ended', limit: maxEnded })
    return sessions
      .flatMap(({ ended, userAgent, address }) =>
        ended === undefined
          ? []
          : [{ device: deviceWords(userAgent), address, endedAt: ended.at, cause: ended.cause }],
      )
      .sort((one, other) => other.endedAt - one.endedAt)
  }
}

function passwordOf(account: Account): AccountPassword {
  const kind = account.fileOwned ? 'from-file' : account.hasPassword ? 'set' : 'none'
  return { kind, minLength: passwordMinLength }
}

/** How the person signed in, as the end of "Signed in … with". */
function methodWords({ amr }: SsoSession): string {
  const passkey = amr.includes('pop')
  if (amr.includes('pwd')) return passkey ? 'your password and a passkey' : 'your password'
  return passkey ? 'a passkey' : 'a link'
}

const doneNotices = [
  'passkey-added',
  'passkey-renamed',
  'passkey-removed',
  'password-changed',
  'session-ended',
  'others-ended',
  'away-removed',
] as const satisfies readonly AccountDone[]

const problemNotices = [
  'password-wrong',
  'password-too-short',
  'password-too-long',
  'password-breached',
  'password-unchanged',
  'password-is-email',
  'passkey-name-invalid',
  'last-way-in',
  'throttled',
] as const satisfies readonly AccountProblem[]

/** Everything the account page may say of what was just done. */
export const accountNotices: readonly AccountNotice[] = [...doneNotices, ...problemNotices]
