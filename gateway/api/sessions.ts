/** The routes that show sessions. */
import { z } from 'zod'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, parseId } from '../kernel/ids.ts'
import type { AppSession } from '../sessions/app-session.ts'
import { absoluteEndAt, endsAt, expiryOf } from '../sessions/lifetime.ts'
import type { Ending, SsoSession } from '../sessions/sso-session.ts'
import { cursorParameter, toCursor } from './cursor.ts'
import type { ApiDeps } from './deps.ts'
import { type Operation, operation } from './operation.ts'
import {
  type AccountName,
  accountParameter,
  addressParameter,
  appParameter,
  instant,
  instantOrNull,
  limitParameter,
  pageSchema,
  toInstant,
} from './parameters.ts'
import { accountSchema, actorSchema, causeSchema, createNames, toActor } from './shapes.ts'

const endedSchema = z
  .strictObject({ at: instant, cause: causeSchema, actor: actorSchema, logout_id: z.string() })
  .nullable()

const sessionSchema = z.strictObject({
  id: z.string(),
  account: accountSchema,
  state: z
    .enum(['active', 'expired', 'ended'])
    .describe(
      '`expired`: its time is up and it opens nothing; within seconds it is `ended`, and its apps are told.',
    ),
  started_at: instant,
  authenticated_at: instant.describe('When the person last proved who they are.'),
  last_seen_at: instant.describe('When it was last used, to the minute.'),
  expires_at: instantOrNull.describe('When it ends if it is not used again.'),
  expires_at_latest: instantOrNull.describe('When it ends whatever happens.'),
  acr: z.string(),
  amr: z.array(z.string()),
  address: z.string(),
  user_agent: z.string(),
  app_session_count: z.int().describe('How many app sessions were opened in it.'),
  active_app_session_count: z.int(),
  ended: endedSchema,
})

const appSessionSchema = z.strictObject({
  id: z.string(),
  app: z.strictObject({ id: z.string(), name: z.string() }),
  sid: z.string(),
  started_at: instant,
  last_seen_at: instant,
  ended: endedSchema,
})

const sessionDetailSchema = sessionSchema.extend({
  app_sessions: z.array(appSessionSchema).describe('The oldest first.'),
})

export function sessionOperations(deps: ApiDeps): readonly Operation[] {
  return [listSessions(deps), showSession(deps)]
}

function listSessions(deps: ApiDeps): Operation {
  return operation({
    method: 'GET',
    path: '/sessions',
    operationId: 'listSessions',
    summary: 'Sessions of people at the gateway, the newest first',
    scope: 'sessions:read',
    query: z.strictObject({
      account: accountParameter.optional(),
      app: appParameter.describe('The id of an app that was opened in it.').optional(),
      ip: addressParameter.optional(),
      state: z.enum(['active', 'ended']).optional(),
      cursor: cursorParameter((text) => parseId('ssoSession', text)),
      limit: limitParameter,
    }),
    answer: { name: 'SessionPage', schema: pageSchema(sessionSchema) },
    handle: async ({ query }) => {
      const { account, app, ip, state, cursor, limit } = query
      const accountId = account === undefined ? undefined : await accountNamed(deps, account)
      if (account !== undefined && accountId === undefined) return { data: [], next_cursor: null }
      const { items, next } = await deps.sessionStore.page({
        limit,
        ...(accountId === undefined ? {} : { accountId }),
        ...(app === undefined ? {} : { appId: app }),
        ...(ip === undefined ? {} : { address: ip }),
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { before: cursor }),
      })
      return { data: await toSessions(deps, items), next_cursor: next === undefined ? null : toCursor(next) }
    },
  })
}

function showSession(deps: ApiDeps): Operation {
  return operation({
    method: 'GET',
    path: '/sessions/{id}',
    operationId: 'showSession',
    summary: 'One session, with the app sessions that were opened in it',
    scope: 'sessions:read',
    answer: { name: 'SessionDetail', schema: sessionDetailSchema },
    handle: async ({ id }) => {
      const session = await findSession(deps, id)
      const [shown] = await toSessions(deps, [session])
      if (shown === undefined) throw noSuchSession()
      const appSessions = await deps.sessionStore.appSessionsOf([session.id], 'any')
      return { ...shown, app_sessions: appSessions.map((each) => toAppSession(deps, each)) }
    },
  })
}

/** The account that a filter names, which may be gone; undefined when no account has that address. */
export async function accountNamed(
  deps: Pick<ApiDeps, 'accounts'>,
  named: AccountName,
): Promise<AccountId | undefined> {
  if ('id' in named) return named.id
  return (await deps.accounts.findByFoldedEmail(named.foldedEmail))?.id
}

/** Throws GatewayError `session_not_found`. */
export async function findSession(deps: ApiDeps, named: string): Promise<SsoSession> {
  const id = parseId('ssoSession', named)
  const session = id === undefined ? undefined : await deps.sessionStore.find(id)
  if (session === undefined) throw noSuchSession()
  return session
}

function noSuchSession(): GatewayError {
  return new GatewayError('session_not_found', 'There is no such session.')
}

async function toSessions(
  deps: ApiDeps,
  sessions: readonly SsoSession[],
): Promise<z.input<typeof sessionSchema>[]> {
  const nameOf = createNames(deps.accounts)
  const counts = await deps.sessionStore.countAppSessions(sessions.map(({ id }) => id))
  const now = deps.clock.now()
  return Promise.all(
    sessions.map(async (session) => {
      const { all = 0, active = 0 } = counts.get(session.id) ?? {}
      const open = session.ended === undefined
      return {
        id: session.id,
        account: await nameOf(session.accountId),
        state: !open ? 'ended' : expiryOf(session, deps.policy, now) === undefined ? 'active' : 'expired',
        started_at: toInstant(session.startedAt),
        authenticated_at: toInstant(session.authenticatedAt),
        last_seen_at: toInstant(session.lastSeenAt),
        expires_at: open ? toInstant(endsAt(session, deps.policy)) : null,
        expires_at_latest: open ? toInstant(absoluteEndAt(session, deps.policy)) : null,
        acr: session.acr,
        amr: [...session.amr],
        address: session.address,
        user_agent: session.userAgent,
        app_session_count: all,
        active_app_session_count: active,
        ended: toEnded(session.ended),
      } as const
    }),
  )
}

function toAppSession(deps: ApiDeps, session: AppSession): z.input<typeof appSessionSchema> {
  return {
    id: session.id,
    app: { id: session.appId, name: deps.apps.find(session.appId)?.name ?? session.appId },
    sid: session.sid,
    started_at: toInstant(session.startedAt),
    last_seen_at: toInstant(session.lastSeenAt),
    ended: toEnded(session.ended),
  }
}

function toEnded(ended: Ending | undefined): z.input<typeof endedSchema> {
  if (ended === undefined) return null
  return {
    at: toInstant(ended.at),
    cause: ended.cause,
    actor: toActor(ended.actor),
    logout_id: ended.logoutId,
  }
}
