/**
 * The report of one Logout: the page, its events, and asking again.
 *
 * Owns: which of its deliveries a page shows. Relies on: logout/report for what may be said of each.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { consoleLogoutPage } from '#views/pages/console-logout.ts'
import { type ConsoleDelivery, type ConsoleReport, consoleReport } from '#views/pages/console-report.ts'
import { operatorCauseWords, type StateCounts, totalOf } from '#views/pages/console-words.ts'
import { createEventStreams, type Look } from '../http/event-stream.ts'
import { minuteMs, secondMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AppId, type LogoutId, parseId } from '../kernel/ids.ts'
import type { DeliveryReport, DeliverySummary, LogoutReport, ReportState } from '../logout/report.ts'
import { goTo, queryOf } from '../pages/pages.ts'
import type { ConsoleDeps } from './deps.ts'
import { createNames } from './names.ts'
import type { Operators } from './operators.ts'
import { retriedWords } from './words.ts'

/** Five with the latest attempt of each are about 7 KB; with what every page loads that stays under 50. */
const shownAtOnce = 5
const attemptsShown = 1
/** Of the only one that is shown. */
const attemptsShownAlone = 50
/** The same reason; those with the most to do come first. */
const appsShown = 4
/** After that whoever still looks reloads the page: what is left takes hours. */
const watchMs = 60 * minuteMs
/** Counting a large Logout reads each of its deliveries. */
const large = 1_000
const lookAtLargeEveryMs = 5 * secondMs

/** What needs an operator first; what has been confirmed last. */
const urgency: readonly ReportState[] = [
  'retrying',
  'waiting',
  'refused',
  'given-up',
  'cannot-be-told',
  'sent',
  'confirmed',
]

/** Everything under /console/logouts/<id>. */
export function addLogoutRoutes(router: Router, deps: ConsoleDeps, operators: Operators): void {
  const stream = createEventStreams(deps)

  router.get('/console/logouts/:id', async (ctx) => {
    const { id, path } = named(ctx)
    const here = `${path}${ctx.search}`
    const person = await operators.require(ctx, here)
    if (person === undefined) return
    const report = await requireReport(id)
    const alone = parseId('delivery', queryOf(ctx, 'delivery'))
    const shown =
      alone === undefined
        ? part(report, Number(queryOf(ctx, 'page') ?? '1'))
        : { deliveries: (await deps.reports.deliveries([alone])).filter((one) => one.logoutId === id) }
    const names = createNames(deps)
    const account = report.accountId === undefined ? undefined : await names.account(report.accountId)
    operators.pages.show(
      ctx,
      consoleLogoutPage({
        ...(await operators.modelFor(ctx, person, here)),
        ...asConsoleReport(
          report,
          shown.deliveries,
          alone === undefined ? attemptsShown : attemptsShownAlone,
        ),
        id,
        cause: report.cause,
        by: await names.actor(report.actor),
        account:
          report.accountId === undefined
            ? undefined
            : { id: report.accountId, email: account?.email, name: account?.name },
        startedAt: report.startedAt,
        ssoSessions: report.ssoSessions,
        appSessions: report.appSessions,
        notWanted: report.notWanted,
        ...('pages' in shown ? { pages: shown.pages } : {}),
        ...(report.summary !== undefined || ('pages' in shown && shown.pages.of > 1) ? appsOf(report) : {}),
      }),
    )
  })

  router.get('/console/logouts/:id/events', async (ctx) => {
    const { id } = named(ctx)
    if (!(await operators.mayWatch(ctx))) throw noSuchLogout()
    const openedAt = deps.clock.now()
    const rows = (queryOf(ctx, 'rows') ?? '')
      .split('.', shownAtOnce)
      .flatMap((text) => parseId('delivery', text) ?? [])
    await stream(ctx, id, async (): Promise<Look | undefined> => {
      const report = await deps.reports.find(id)
      if (report === undefined || openedAt - report.startedAt > watchMs) return undefined
      if (!(await operators.mayWatch(ctx))) return undefined
      const shown = (await deps.reports.deliveries(rows)).filter(({ logoutId }) => logoutId === id)
      const words = consoleReport(
        asConsoleReport(report, shown, attemptsShown),
        operatorCauseWords[report.cause],
        deps.clock.now(),
      )
      return {
        report: words,
        settled: words.settled,
        ...(totalOf(report.counts) > large ? { lookAgainMs: lookAtLargeEveryMs } : {}),
      }
    })
  })

  router.get('/console/logouts/:id/receipt', async (ctx) => {
    const { id, path } = named(ctx)
    const person = await operators.require(ctx, path)
    if (person === undefined) return
    const receipt = await deps.receipts.of(id)
    if (receipt === undefined) throw noSuchLogout()
    if (receipt.kind === 'unsettled') {
      await operators.say(person, {
        kind: 'problem',
        words: 'There is no receipt while an app waits to be told.',
      })
      return goTo(ctx, path)
    }
    ctx.type = 'application/jwt'
    ctx.attachment(`${id}.jwt`)
    ctx.body = receipt.jws
  })

  router.post('/console/logouts/:id/retry', async (ctx) => {
    const { id, path } = named(ctx)
    const asked = await operators.requireForm(ctx, path)
    if (asked === undefined) return
    const delivery = asked.form.get('delivery')
    const by = operators.as(asked.person)
    if (delivery === undefined) {
      const count = await deps.deliveries.retry({ kind: 'logout', id }, by)
      await operators.say(asked.person, retriedWords(count, ''))
    } else {
      const deliveryId = parseId('delivery', delivery)
      if (deliveryId === undefined) throw new GatewayError('delivery_not_found', 'There is no such delivery.')
      const count = await deps.deliveries.retry({ kind: 'delivery', id: deliveryId }, by)
      await operators.say(asked.person, retriedWords(count, ''))
    }
    goTo(ctx, path)
  })

  async function requireReport(id: LogoutId): Promise<LogoutReport> {
    const report = await deps.reports.find(id)
    if (report === undefined) throw noSuchLogout()
    return report
  }
}

function named(ctx: Context): { readonly id: LogoutId; readonly path: string } {
  const id = parseId('logout', ctx['params']['id'])
  if (id === undefined) throw noSuchLogout()
  return { id, path: `/console/logouts/${id}` }
}

function noSuchLogout(): GatewayError {
  return new GatewayError('not_found', 'There is nothing at this address.')
}

/** One page of the deliveries, the most urgent first; a page that is not there is the nearest that is. */
function part({ deliveries }: LogoutReport, wanted: number) {
  const of = Math.max(1, Math.ceil(deliveries.length / shownAtOnce))
  const page = Number.isInteger(wanted) ? Math.min(of, Math.max(1, wanted)) : 1
  return {
    deliveries: deliveries
      .toSorted((one, other) => urgency.indexOf(one.state) - urgency.indexOf(other.state))
      .slice((page - 1) * shownAtOnce, page * shownAtOnce),
    pages: { page, of, deliveries: deliveries.length },
  }
}

function asConsoleReport(
  { settledAt, counts, progress }: LogoutReport,
  shown: readonly DeliveryReport[],
  attempts: number,
): ConsoleReport {
  return {
    settledAt,
    counts,
    progress,
    deliveries: shown.map((delivery) => asConsoleDelivery(delivery, attempts)),
  }
}

function asConsoleDelivery(delivery: DeliveryReport, attemptsAtMost: number): ConsoleDelivery {
  const { id, appName, channel, state, reason, nextAttemptAt, mayLastUntil } = delivery
  const attempts = delivery.attempts.slice(-attemptsAtMost)
  return {
    id,
    appName,
    channel,
    state,
    reason,
    nextAttemptAt,
    mayLastUntil,
    attempts,
    earlier: delivery.attempts.length - attempts.length,
  }
}

/** The deliveries counted by app, those with the most that is not confirmed first. */
function appsOf({ deliveries, summary }: LogoutReport): {
  readonly apps: readonly { readonly name: string; readonly counts: StateCounts }[]
  readonly moreApps: number
} {
  const counts = new Map<
    AppId,
    { readonly name: string; readonly counts: Partial<Record<ReportState, number>> }
  >()
  for (const { appId, appName, state, count } of summary ?? deliveries.map(asOne)) {
    const app = counts.get(appId) ?? { name: appName, counts: {} }
    app.counts[state] = (app.counts[state] ?? 0) + count
    counts.set(appId, app)
  }
  const apps = [...counts.values()].toSorted(
    (one, other) => unconfirmed(other.counts) - unconfirmed(one.counts),
  )
  return { apps: apps.slice(0, appsShown), moreApps: Math.max(0, apps.length - appsShown) }
}

function asOne({ appId, appName, state }: DeliveryReport): DeliverySummary {
  return { appId, appName, state, count: 1 }
}

function unconfirmed(counts: StateCounts): number {
  return totalOf(counts) - (counts.confirmed ?? 0)
}
