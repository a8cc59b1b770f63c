import { GatewayError } from '../kernel/errors.ts'
import { type AppSessionId, parseId } from '../kernel/ids.ts'
import type { Actor } from '../sessions/cause.ts'
import { absoluteEndAt, endsAt, expiryOf } from '../sessions/lifetime.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import { findAccount } from './account.ts'
import { type Opened, withGateway } from './open.ts'
import { sayFields, timesAsText } from './say.ts'
import { endFlags, endSessions } from './session-end.ts'
import { instant, printable } from './terminal.ts'
import type { Call, Verb } from './verb.ts'

const asJson = { json: { kind: 'yes', help: 'print JSON' } } as const
const defaultLimit = 50
/** What the store gives in one page. */
const maxLimit = 200
/** One authorization each, which the person agreed to on a page. */
const maxKept = 1_000

export const sessionVerbs: readonly Verb[] = [
  {
    name: 'session list',
    usage: '[--account <account>] [--ended] [--limit <n>] [--json]',
    summary: 'sessions, the newest first',
    flags: {
      account: { kind: 'text', value: 'account', help: 'of this account only' },
      ended: { kind: 'yes', help: 'ended ones instead of active ones' },
      limit: { kind: 'text', value: 'n', help: `how many (default ${defaultLimit}, at most ${maxLimit})` },
      ...asJson,
    },
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, (gateway) => list(call, gateway)),
  },
  {
    name: 'session show',
    usage: '<session> [--json]',
    summary: 'one session with the apps that were opened in it',
    flags: asJson,
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => show(call, gateway)),
  },
  {
    name: 'session end',
    usage: '<session> | --account <account> | --app <app> [--account <account>] | --everyone | <conditions>',
    summary:
      'end one session, all of an account, those at one app, or all that meet conditions; every app hears of it',
    flags: endFlags,
    words: { min: 0, max: 1 },
    run: (call) => withGateway(call, (gateway) => endSessions(call, gateway, findSession)),
  },
]

async function list(call: Call, gateway: Opened): Promise<void> {
  const named = call.flags.text('account')
  const account = named === undefined ? undefined : await findAccount(gateway, named)
  const sessions = await gateway.stores.sessions.list({
    state: call.flags.yes('ended') ? 'ended' : 'active',
    limit: Math.min(maxLimit, call.flags.count('limit', defaultLimit)),
    ...(account === undefined ? {} : { accountId: account.id }),
  })
  if (call.flags.yes('json')) {
    return call.terminal.json(sessions.map((session) => asRecord(session, gateway)))
  }
  const emails = new Map<string, string>()
  for (const { accountId } of sessions) {
    if (!emails.has(accountId)) {
      emails.set(accountId, (await gateway.stores.accounts.find(accountId))?.email ?? accountId)
    }
  }
  call.terminal.table(
    ['SESSION', 'ACCOUNT', 'STATE', 'STARTED', 'LAST SEEN', 'ADDRESS'],
    sessions.map((session) => [
      session.id,
      emails.get(session.accountId) ?? session.accountId,
      stateOf(session, gateway),
      instant(session.startedAt),
      instant(session.lastSeenAt),
      session.address,
    ]),
  )
}

async function show(call: Call, gateway: Opened): Promise<void> {
  const session = await findSession(gateway, call.words[0] ?? '')
  const appSessions = await gateway.stores.sessions.appSessionsOf([session.id], 'any')
  const kept = await keptOf(session, gateway)
  if (call.flags.yes('json')) {
    return call.terminal.json({
      ...asRecord(session, gateway),
      appSessions: appSessions.map((appSession) => ({
        ...timesAsText(appSession),
        ...(appSession.ended === undefined ? {} : { ended: timesAsText(appSession.ended) }),
        appName: gateway.apps.find(appSession.appId)?.name ?? appSession.appId,
        ...(kept.has(appSession.id) ? { keepsAccess: true } : {}),
      })),
    })
  }
  const account = await gateway.stores.accounts.find(session.accountId)
  const { policy } = gateway.sessions
  sayFields(call.terminal, [
    ['session', session.id],
    ['account', account === undefined ? session.accountId : `${account.email} (${account.id})`],
    ['state', stateOf(session, gateway)],
    ['started', instant(session.startedAt)],
    ['signed in', instant(session.authenticatedAt)],
    ['last seen', instant(session.lastSeenAt)],
    ['ends if unused', session.ended === undefined ? instant(endsAt(session, policy)) : undefined],
    ['ends at the latest', session.ended === undefined ? instant(absoluteEndAt(session, policy)) : undefined],
    ['ended', session.ended === undefined ? undefined : instant(session.ended.at)],
    ['by', session.ended === undefined ? undefined : actorInWords(session.ended.actor)],
    ['logout', session.ended?.logoutId],
    ['assurance', `${session.acr} (${session.amr.join(', ')})`],
    ['address', session.address],
    ['browser', printable(session.userAgent)],
  ])
  call.terminal.line()
  call.terminal.table(
    ['APP', 'STATE', 'OPENED', 'LAST SEEN', 'SID'],
    appSessions.map((appSession) => [
      gateway.apps.find(appSession.appId)?.name ?? appSession.appId,
      (appSession.ended === undefined ? 'active' : `ended: ${appSession.ended.cause}`) +
        (kept.has(appSession.id) ? ' (keeps access)' : ''),
      instant(appSession.startedAt),
      instant(appSession.lastSeenAt),
      appSession.sid,
    ]),
  )
}

/** The AppSessions whose app has access while the person is away, whether they have left or not. */
async function keptOf({ accountId }: SsoSession, gateway: Opened): Promise<ReadonlySet<AppSessionId>> {
  const accesses = await gateway.stores.artifacts.listOffline({ accountId }, maxKept)
  return new Set(accesses.map(({ appSessionId }) => appSessionId))
}

async function findSession(gateway: Opened, named: string): Promise<SsoSession> {
  const id = parseId('ssoSession', named)
  const session = id === undefined ? undefined : await gateway.stores.sessions.find(id)
  if (session !== undefined) return session
  throw new GatewayError(
    'session_not_found',
    `There is no session ${printable(named)}. See: gatehouse session list`,
  )
}

function stateOf(session: SsoSession, gateway: Opened): string {
  if (session.ended !== undefined) return `ended: ${session.ended.cause}`
  // It is none any more, although the sweeper has not come by yet.
  const expired = expiryOf(session, gateway.sessions.policy, gateway.clock.now())
  return expired === undefined ? 'active' : `expired: ${expired}`
}

function asRecord(session: SsoSession, gateway: Opened): Record<string, unknown> {
  const { policy } = gateway.sessions
  return {
    ...timesAsText(session),
    ...(session.ended === undefined
      ? { expiresAt: new Date(endsAt(session, policy)).toISOString() }
      : { ended: { ...session.ended, at: new Date(session.ended.at).toISOString() } }),
    state: stateOf(session, gateway),
  }
}

export function actorInWords(actor: Actor): string {
  switch (actor.kind) {
    case 'account':
      return `the person (${actor.accountId})`
    case 'operator':
      return `an operator (${actor.accountId})`
    case 'app':
      return `the app ${actor.appId}`
    case 'api-key':
      return `an API key (${actor.apiKeyId})`
    case 'command-line':
      return 'the command line'
    case 'configuration':
      return 'the configuration file'
    case 'gateway':
      return 'the gateway'
    default:
      return actor satisfies never
  }
}
