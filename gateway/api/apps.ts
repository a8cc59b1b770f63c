/** The routes of apps, as far as telling them goes. */
import { z } from 'zod'
import { GatewayError } from '../kernel/errors.ts'
import { parseAppId } from '../kernel/ids.ts'
import type { AppCheckReport } from '../logout/app-check.ts'
import { type AppHealth, pendingCountedTo } from '../logout/health-report.ts'
import type { ApiDeps } from './deps.ts'
import { type Operation, operation } from './operation.ts'
import { instant, instantOrNull, toInstant } from './parameters.ts'

const checkSchema = z.strictObject({
  app: z.strictObject({ id: z.string(), name: z.string() }),
  checked_at: instant,
  url: z.string().nullable().describe('Where it is told; null when the gateway cannot tell it by itself.'),
  outcome: z.enum(['passed', 'advice', 'failed', 'unreachable', 'no-back-channel']),
  summary: z.string(),
  connection: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('reached'), duration_ms: z.number() }),
      z.strictObject({
        kind: z.literal('unreachable'),
        duration_ms: z.number(),
        reason: z.string(),
        remedy: z.string(),
        detail: z.string(),
      }),
    ])
    .nullable(),
  cases: z.array(
    z.strictObject({
      id: z.string().describe('Stable, for programs.'),
      title: z.string(),
      verdict: z.enum(['passed', 'failed', 'advice', 'not-tried']),
      clause: z.string().describe('Where the specification says so.'),
      expected: z.string(),
      answered: z.string(),
      status: z.int().nullable(),
      duration_ms: z.number().nullable(),
      advice: z.string().nullable(),
    }),
  ),
})

const healthSchema = z.strictObject({
  app: z.strictObject({ id: z.string(), name: z.string() }),
  state: z
    .enum(['healthy', 'failing', 'down'])
    .describe(
      '`failing`: it has not confirmed of late. `down`: it does not answer, and is asked now and then.',
    ),
  failures: z.int().describe('Attempts in a row that it did not confirm.'),
  failing_since: instantOrNull,
  probe_at: instantOrNull.describe('When an app that is down is asked next.'),
  reason: z.string().nullable().describe('Of the last failure, as the end of a sentence.'),
  last_confirmed_at: instantOrNull.describe('To the minute.'),
  pending: z.int().describe(`Deliveries that wait for it, counted up to ${pendingCountedTo}.`),
})

export function appOperations(deps: ApiDeps): readonly Operation[] {
  return [
    operation({
      method: 'GET',
      path: '/apps/health',
      operationId: 'listAppHealth',
      summary: 'How telling each app goes, the unhealthy ones first',
      scope: 'apps:read',
      answer: { name: 'AppHealth', schema: z.strictObject({ data: z.array(healthSchema) }) },
      handle: async () => ({ data: (await deps.appHealth.list()).map(toHealth) }),
    }),
    operation({
      method: 'POST',
      path: '/apps/{id}/check',
      operationId: 'checkApp',
      summary: "Try an app's logout endpoint out, without ending any session",
      description: 'Takes up to a minute. While another check of the app runs, the answer is 503.',
      scope: 'apps:check',
      answer: { name: 'AppCheck', schema: checkSchema },
      handle: async ({ id: named, by }) => {
        const id = parseAppId(named)
        if (id === undefined) throw new GatewayError('app_not_found', 'There is no such app.')
        return toCheck(await deps.commands.checkApp(id, by))
      },
    }),
  ]
}

function toHealth(health: AppHealth): z.input<typeof healthSchema> {
  return {
    app: { id: health.appId, name: health.appName },
    state: health.state,
    failures: health.failures,
    failing_since: toInstant(health.failingSince),
    probe_at: toInstant(health.probeAt),
    reason: health.reason ?? null,
    last_confirmed_at: toInstant(health.lastConfirmedAt),
    pending: health.pending,
  }
}

function toCheck(report: AppCheckReport): z.input<typeof checkSchema> {
  const { connection } = report
  return {
    app: { id: report.appId, name: report.appName },
    checked_at: toInstant(report.checkedAt),
    url: report.url ?? null,
    outcome: report.outcome,
    summary: report.summary,
    connection: connection === undefined ? null : toConnection(connection),
    cases: report.cases.map((each) => ({
      id: each.id,
      title: each.title,
      verdict: each.verdict,
      clause: each.clause,
      expected: each.expected,
      answered: each.answered,
      status: each.status ?? null,
      duration_ms: each.durationMs ?? null,
      advice: each.advice ?? null,
    })),
  }
}

function toConnection(connection: NonNullable<AppCheckReport['connection']>) {
  if (connection.kind === 'reached') return { kind: connection.kind, duration_ms: connection.durationMs }
  const { kind, durationMs, reason, remedy, detail } = connection
  return { kind, duration_ms: durationMs, reason, remedy, detail }
}
