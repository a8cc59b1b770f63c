/** All Logouts, newest first, under the apps that do not answer. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { UnhealthyApp } from '#views/pages/console-health.ts'
import { consoleLogoutsPage, type LogoutLine, type LogoutsFilter } from '#views/pages/console-logouts.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAppId, parseId } from '../kernel/ids.ts'
import type { LogoutSummary } from '../logout/report.ts'
import type { LogoutCursor, LogoutPageFilter } from '../logout/store.ts'
import { goTo, queryOf } from '../pages/pages.ts'
import type { ConsoleDeps } from './deps.ts'
import { createNames, findAccountId, findApp, type Names } from './names.ts'
import type { Operators } from './operators.ts'
import { retriedWords } from './words.ts'

const listPath = '/console/logouts'

/** Twelve lines with their bars are about 12 KB; with what every page loads that stays under 50. */
const shownAtOnce = 12
/** More would push the list itself out of sight. */
const unhealthyShown = 4
/** Longer than any e-mail address or name of an app. */
const typedMaxLength = 254

/** The list, and "Retry now" of one app or of all. */
export function addLogoutsRoutes(router: Router, deps: ConsoleDeps, operators: Operators): void {
  router.get(listPath, async (ctx) => {
    const typed = typedFilter(ctx)
    const before = cursorFrom(queryOf(ctx, 'before'))
    const here = pathOf(typed, before)
    const person = await operators.require(ctx, here)
    if (person === undefined) return
    const model = await operators.modelFor(ctx, person, here)
    const filter = await filterFrom(typed, before)
    const found = typeof filter === 'string' ? undefined : await deps.reports.page(filter)
    const { items = [], next } = found ?? {}
    const names = createNames(deps)
    operators.pages.show(
      ctx,
      consoleLogoutsPage({
        ...model,
        ...(await unhealthyApps(deps.health)),
        filter: typed,
        filterProblem: typeof filter === 'string' ? filter : undefined,
        logouts: await Promise.all(items.map((logout) => lineOf(logout, names))),
        olderPath: next === undefined ? undefined : pathOf(typed, next),
        newestPath: before === undefined ? undefined : pathOf(typed),
        lookedBackTo: items.length < shownAtOnce ? next?.startedAt : undefined,
      }),
    )
  })

  router.post('/console/apps/retry', async (ctx) => {
    const asked = await operators.requireForm(ctx, listPath)
    if (asked === undefined) return
    const count = await deps.deliveries.retry({ kind: 'all' }, operators.as(asked.person))
    await operators.say(asked.person, retriedWords(count, ''))
    goTo(ctx, listPath)
  })

  router.post('/console/apps/:id/retry', async (ctx) => {
    const asked = await operators.requireForm(ctx, listPath)
    if (asked === undefined) return
    const appId = parseAppId(ctx.params['id'])
    const app = appId === undefined ? undefined : deps.apps.find(appId)
    if (app === undefined) throw new GatewayError('app_not_found', 'There is no such app.')
    const count = await deps.deliveries.retry({ kind: 'app', appId: app.id }, operators.as(asked.person))
    await operators.say(asked.person, retriedWords(count, ` to ${app.name}`))
    goTo(ctx, listPath)
  })

  /** What the store is asked, or why it is not, as a sentence. */
  async function filterFrom(
    typed: LogoutsFilter,
    before: LogoutCursor | undefined,
  ): Promise<LogoutPageFilter | string> {
    const accountId = typed.person === '' ? undefined : await findAccountId(deps.accounts, typed.person)
    if (typed.person !== '' && accountId === undefined) return `There is no account ${typed.person}.`
    const app = typed.app === '' ? undefined : findApp(deps.apps, typed.app)
    if (typed.app !== '' && app === undefined) return `There is no app ${typed.app}.`
    return {
      ...(accountId === undefined ? {} : { accountId }),
      ...(app === undefined ? {} : { appId: app.id }),
      ...(typed.waiting ? { unsettled: true } : {}),
      ...(before === undefined ? {} : { before }),
      limit: shownAtOnce,
    }
  }
}

/** Those that are down first. */
async function unhealthyApps(
  health: ConsoleDeps['health'],
): Promise<{ readonly unhealthy: readonly UnhealthyApp[]; readonly moreUnhealthy: number }> {
  const unhealthy = (await health.list()).flatMap(({ appId, appName, state, failingSince, ...app }) =>
    state === 'healthy' ? [] : [{ ...app, id: appId, name: appName, state, since: failingSince }],
  )
  return {
    unhealthy: unhealthy.slice(0, unhealthyShown),
    moreUnhealthy: Math.max(0, unhealthy.length - unhealthyShown),
  }
}

async function lineOf(logout: LogoutSummary, names: Names): Promise<LogoutLine> {
  const { accountId } = logout
  const account = accountId === undefined ? undefined : await names.account(accountId)
  return {
    id: logout.id,
    startedAt: logout.startedAt,
    cause: logout.cause,
    by: await names.actor(logout.actor),
    whose: account?.email ?? accountId,
    ssoSessions: logout.ssoSessions,
    appSessions: logout.appSessions,
    counts: logout.counts,
    settled: logout.settledAt !== undefined,
  }
}

function typedFilter(ctx: Context): LogoutsFilter {
  const typed = (name: string): string => (queryOf(ctx, name) ?? '').trim().slice(0, typedMaxLength)
  return { waiting: queryOf(ctx, 'waiting') === '1', person: typed('person'), app: typed('app') }
}

function pathOf({ waiting, person, app }: LogoutsFilter, before?: LogoutCursor): string {
  const query = new URLSearchParams({
    ...(person === '' ? {} : { person }),
    ...(app === '' ? {} : { app }),
    ...(waiting ? { waiting: '1' } : {}),
    ...(before === undefined ? {} : { before: `${before.startedAt}-${before.id}` }),
  }).toString()
  return query === '' ? listPath : `${listPath}?${query}`
}

/** Undefined for anything that we did not write: then the list begins at its beginning. */
function cursorFrom(text: string | undefined): LogoutCursor | undefined {
  const [, startedAt, name] = /^(\d{1,15})-(.+)$/.exec(text ?? '') ?? []
  const id = parseId('logout', name)
  return startedAt === undefined || id === undefined ? undefined : { startedAt: Number(startedAt), id }
}
