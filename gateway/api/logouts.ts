/** The routes of Logouts and of what they owe to apps. */
import { z } from 'zod'
import { GatewayError } from '../kernel/errors.ts'
import { parseId } from '../kernel/ids.ts'
import type { DeliveryAttempt } from '../logout/delivery.ts'
import type { DeliveryReport, LogoutSummary, ReportState } from '../logout/report.ts'
import { cursorParameter, toCursor } from './cursor.ts'
import type { ApiDeps } from './deps.ts'
import { type Operation, operation } from './operation.ts'
import {
  accountParameter,
  appParameter,
  instant,
  instantOrNull,
  limitParameter,
  pageSchema,
  toInstant,
} from './parameters.ts'
import { accountNamed } from './sessions.ts'
import { accountSchema, actorSchema, causeSchema, createNames, toActor } from './shapes.ts'

const stateWords: Readonly<Record<ReportState, true>> = {
  confirmed: true,
  sent: true,
  waiting: true,
  retrying: true,
  refused: true,
  'given-up': true,
  'cannot-be-told': true,
}
const stateSchema = z
  .enum(Object.keys(stateWords) as [ReportState, ...ReportState[]])
  .describe('`confirmed` is said of nothing but an answer of the app.')

const logoutSchema = z.strictObject({
  id: z.string(),
  cause: causeSchema,
  actor: actorSchema,
  account: accountSchema.nullable().describe('Whose sessions they were; null when of several people.'),
  state: z.enum(['unsettled', 'settled']).describe('`unsettled` while an app is still to be told.'),
  started_at: instant,
  settled_at: instantOrNull,
  sessions: z.int().describe('How many sessions it ended.'),
  app_sessions: z.int().describe('How many app sessions it ended.'),
  not_wanted: z.int().describe('App sessions whose app does not want to hear of this cause.'),
  progress: z
    .strictObject({ sessions: z.int(), ended: z.int(), finished_at: instantOrNull })
    .nullable()
    .describe(
      'Of one that is worked through in batches: how many sessions there are, about, and how many are marked.',
    ),
  delivery_counts: z.partialRecord(stateSchema, z.int()).describe('How many deliveries stand how.'),
})

const appSchema = z.strictObject({ id: z.string(), name: z.string() })

const attemptSchema = z.strictObject({
  number: z.int(),
  at: instant,
  duration_ms: z.number(),
  outcome: z.enum(['acknowledged', 'refused', 'unreachable']),
  status: z.int().nullable().describe('The HTTP status that the app answered with.'),
  error: z.string().nullable(),
})

const deliverySchema = z.strictObject({
  id: z.string(),
  app: appSchema,
  sid: z.string(),
  channel: z.string(),
  state: stateSchema,
  attempts: z.array(attemptSchema).describe('The oldest first.'),
  next_attempt_at: instantOrNull,
  settled_at: instantOrNull,
  may_last_until: instantOrNull.describe(
    "Until when the app's own session may live on; null for confirmed ones, and where the app does not say.",
  ),
  reason: z.string().nullable().describe('Why it stands as it does, as the end of a sentence.'),
})

const logoutDetailSchema = logoutSchema.extend({
  deliveries: z
    .array(deliverySchema)
    .describe('All of them; where `by_app` counts them, some of those that are not confirmed.'),
  by_app: z
    .array(z.strictObject({ app: appSchema, state: stateSchema, count: z.int() }))
    .nullable()
    .describe('Of a Logout of many app sessions: all deliveries, counted. Null where they are few.'),
})

export function logoutOperations(deps: ApiDeps): readonly Operation[] {
  return [listLogouts(deps), showLogout(deps), showReceipt(deps)]
}

function listLogouts(deps: ApiDeps): Operation {
  return operation({
    method: 'GET',
    path: '/logouts',
    operationId: 'listLogouts',
    summary: 'What ended sessions and how far telling the apps has come, the newest first',
    scope: 'logouts:read',
    query: z.strictObject({
      account: accountParameter.optional(),
      app: appParameter.describe('The id of an app that is or was to be told.').optional(),
      state: z.enum(['unsettled', 'settled']).optional(),
      cursor: cursorParameter((text) => parseId('logout', text)),
      limit: limitParameter,
    }),
    answer: { name: 'LogoutPage', schema: pageSchema(logoutSchema) },
    handle: async ({ query }) => {
      const { account, app, state, cursor, limit } = query
      const accountId = account === undefined ? undefined : await accountNamed(deps, account)
      if (account !== undefined && accountId === undefined) return { data: [], next_cursor: null }
      const { items, next } = await deps.reports.page({
        limit,
        ...(accountId === undefined ? {} : { accountId }),
        ...(app === undefined ? {} : { appId: app }),
        ...(state === undefined ? {} : { unsettled: state === 'unsettled' }),
        ...(cursor === undefined ? {} : { before: cursor }),
      })
      const nameOf = createNames(deps.accounts)
      return {
        data: await Promise.all(items.map((each) => toLogout(nameOf, each))),
        next_cursor: next === undefined ? null : toCursor(next),
      }
    },
  })
}

function showLogout(deps: ApiDeps): Operation {
  return operation({
    method: 'GET',
    path: '/logouts/{id}',
    operationId: 'showLogout',
    summary: 'One Logout: for each app how it stands, every attempt, and when the next one is',
    scope: 'logouts:read',
    answer: { name: 'LogoutDetail', schema: logoutDetailSchema },
    handle: async ({ id: named }) => {
      const id = parseId('logout', named)
      const report = id === undefined ? undefined : await deps.reports.find(id)
      if (report === undefined) throw noSuchLogout()
      return {
        ...(await toLogout(createNames(deps.accounts), report)),
        deliveries: report.deliveries.map(toDelivery),
        by_app:
          report.summary?.map(({ appId, appName, state, count }) => ({
            app: { id: appId, name: appName },
            state,
            count,
          })) ?? null,
      }
    },
  })
}

function showReceipt(deps: ApiDeps): Operation {
  return operation({
    method: 'GET',
    path: '/logouts/{id}/receipt',
    operationId: 'showReceipt',
    summary: 'What became of a settled Logout, signed: a JWS that can be verified without this gateway',
    description: 'Of one that is not settled the answer is 409. To verify it: `gatehouse logout verify`.',
    scope: 'logouts:read',
    answer: { name: 'Receipt', schema: z.string().describe('A JWS in compact form.') },
    answerType: 'application/jose',
    handle: async ({ id: named }) => {
      const id = parseId('logout', named)
      const made = id === undefined ? undefined : await deps.receipts.of(id)
      if (made === undefined) throw noSuchLogout()
      if (made.kind === 'receipt') return made.jws
      throw new GatewayError('logout_unsettled', 'An app is still to be told: there is no receipt yet.')
    },
  })
}

function noSuchLogout(): GatewayError {
  return new GatewayError('logout_not_found', 'There is no such logout.')
}

async function toLogout(
  nameOf: ReturnType<typeof createNames>,
  logout: LogoutSummary,
): Promise<z.input<typeof logoutSchema>> {
  const { progress } = logout
  return {
    id: logout.id,
    cause: logout.cause,
    actor: toActor(logout.actor),
    account: logout.accountId === undefined ? null : await nameOf(logout.accountId),
    state: logout.settledAt === undefined ? 'unsettled' : 'settled',
    started_at: toInstant(logout.startedAt),
    settled_at: toInstant(logout.settledAt),
    sessions: logout.ssoSessions,
    app_sessions: logout.appSessions,
    not_wanted: logout.notWanted,
    progress: progress === undefined ? null : toProgress(progress),
    delivery_counts: { ...logout.counts },
  }
}

function toProgress({ sessions, ended, finishedAt }: NonNullable<LogoutSummary['progress']>) {
  return { sessions, ended, finished_at: toInstant(finishedAt) }
}

function toDelivery(delivery: DeliveryReport): z.input<typeof deliverySchema> {
  return {
    id: delivery.id,
    app: { id: delivery.appId, name: delivery.appName },
    sid: delivery.sid,
    channel: delivery.channel,
    state: delivery.state,
    attempts: delivery.attempts.map(toAttempt),
    next_attempt_at: toInstant(delivery.nextAttemptAt),
    settled_at: toInstant(delivery.settledAt),
    may_last_until: toInstant(delivery.mayLastUntil),
    reason: delivery.reason ?? null,
  }
}

function toAttempt(attempt: DeliveryAttempt): z.input<typeof attemptSchema> {
  return {
    number: attempt.number,
    at: toInstant(attempt.startedAt),
    duration_ms: attempt.durationMs,
    outcome: attempt.outcome,
    status: attempt.status ?? null,
    error: attempt.error ?? null,
  }
}
