import { GatewayError } from '../kernel/errors.ts'
import { type LogoutId, parseId } from '../kernel/ids.ts'
import type { DeliveryReport, LogoutReport } from '../logout/report.ts'
import type { RetrySelector } from '../logout/store.ts'
import { findAccount } from './account.ts'
import { findApp } from './app.ts'
import { healthInWords } from './health-words.ts'
import { byCommandLine, type Opened, withGateway } from './open.ts'
import { counted, grouped, sayFields, timesAsText } from './say.ts'
import { actorInWords } from './session.ts'
import { instant, printable } from './terminal.ts'
import { type Call, UsageError, type Verb } from './verb.ts'

const asJson = { json: { kind: 'yes', help: 'print JSON' } } as const
const defaultLimit = 50
/** What the store gives in one page. */
const maxLimit = 200

export const logoutVerbs: readonly Verb[] = [
  {
    name: 'logout list',
    usage: '[--account <account>] [--unsettled] [--limit <n>] [--json]',
    summary: 'what ended sessions, the newest first, and how far telling the apps has come',
    flags: {
      account: { kind: 'text', value: 'account', help: 'of this account only' },
      unsettled: { kind: 'yes', help: 'only those that still wait for an app' },
      limit: { kind: 'text', value: 'n', help: `how many (default ${defaultLimit}, at most ${maxLimit})` },
      ...asJson,
    },
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, (gateway) => list(call, gateway)),
  },
  {
    name: 'logout show',
    usage: '<logout> [--json]',
    summary: 'one Logout: per app what it answered, each attempt, and when the next one is',
    flags: asJson,
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => show(call, gateway)),
  },
  {
    name: 'logout retry',
    usage: '<delivery> | --app <app> | --all',
    summary: 'tell apps now that did not answer or refused',
    flags: {
      app: { kind: 'text', value: 'app', help: 'everything that this app was not told' },
      all: { kind: 'yes', help: 'everything that any app was not told' },
    },
    words: { min: 0, max: 1 },
    run: (call) => withGateway(call, (gateway) => retry(call, gateway)),
  },
]

async function list(call: Call, gateway: Opened): Promise<void> {
  const named = call.flags.text('account')
  const account = named === undefined ? undefined : await findAccount(gateway, named)
  const reports = await gateway.reports.list({
    limit: Math.min(maxLimit, call.flags.count('limit', defaultLimit)),
    ...(account === undefined ? {} : { accountId: account.id }),
    ...(call.flags.yes('unsettled') ? { unsettled: true } : {}),
  })
  if (call.flags.yes('json')) return call.terminal.json(reports.map(asRecord))
  for (const app of await gateway.appHealth.list())
    if (app.state !== 'healthy') call.terminal.line(`${printable(app.appName)}: ${healthInWords(app)}`)
  call.terminal.table(
    ['LOGOUT', 'STARTED', 'CAUSE', 'BY', 'APPS'],
    reports.map((report) => [
      report.id,
      instant(report.startedAt),
      report.cause,
      actorInWords(report.actor),
      summaryOf(report),
    ]),
  )
}

async function show(call: Call, gateway: Opened): Promise<void> {
  const [named = ''] = call.words
  const id: LogoutId | undefined = parseId('logout', named)
  const report = id === undefined ? undefined : await gateway.reports.find(id)
  if (report === undefined) {
    throw new GatewayError(
      'logout_not_found',
      `There is no logout ${printable(named)}. See: gatehouse logout list`,
    )
  }
  if (call.flags.yes('json')) return call.terminal.json(asRecord(report))
  sayFields(call.terminal, [
    ['logout', report.id],
    ['cause', report.cause],
    ['by', actorInWords(report.actor)],
    ['account', report.accountId],
    ['started', instant(report.startedAt)],
    ['settled', report.settledAt === undefined ? 'not yet' : instant(report.settledAt)],
    ['sessions', `${grouped(report.ssoSessions)} at the gateway, ${grouped(report.appSessions)} at apps`],
    ['progress', report.progress === undefined ? undefined : progressInWords(report.progress)],
    [
      'not told',
      report.notWanted === 0
        ? undefined
        : `${report.notWanted}, whose app does not want to hear of this cause`,
    ],
  ])
  if (report.summary !== undefined) {
    call.terminal.line()
    call.terminal.table(
      ['APP', 'STATE', 'SESSIONS'],
      report.summary.map(({ appName, state, count }) => [appName, inWords(state), grouped(count)]),
    )
    if (report.deliveries.length > 0) {
      call.terminal.line()
      call.terminal.line(`${report.deliveries.length} of those that are not confirmed:`)
    }
  }
  for (const delivery of report.deliveries) sayDelivery(call, delivery)
}

/** Those not marked yet have ended as well; what their apps are owed is still being written down. */
function progressInWords({ sessions, ended, finishedAt }: NonNullable<LogoutReport['progress']>): string {
  return finishedAt === undefined
    ? `ended ${grouped(ended)} of about ${grouped(sessions)}`
    : `ended ${grouped(ended)}, all of them by ${instant(finishedAt)}`
}

function sayDelivery({ terminal }: Call, delivery: DeliveryReport): void {
  terminal.line()
  const details = [
    delivery.reason,
    delivery.nextAttemptAt === undefined ? undefined : `next attempt ${instant(delivery.nextAttemptAt)}`,
    delivery.mayLastUntil === undefined
      ? undefined
      : `its own session may last until ${instant(delivery.mayLastUntil)}`,
  ].filter((part) => part !== undefined)
  terminal.line(
    `${printable(delivery.appName)}: ${[inWords(delivery.state), ...details].join(', ')}  (${delivery.id})`,
  )
  for (const attempt of delivery.attempts) {
    const answer = attempt.status ?? attempt.outcome ?? 'no answer yet'
    const error = attempt.error === undefined ? '' : `  ${printable(attempt.error)}`
    terminal.line(`  attempt ${attempt.number}  ${instant(attempt.startedAt)}  ${answer}${error}`)
  }
}

async function retry(call: Call, gateway: Opened): Promise<void> {
  const selector = await selectorFrom(call, gateway)
  const count = await gateway.commands.deliveries.retry(selector, byCommandLine)
  call.terminal.line(
    count === 0
      ? 'Nothing to retry: whatever was owed is delivered, or an attempt is under way.'
      : `${counted(count, 'delivery', 'deliveries')} due now. The running server sends them at once.`,
  )
}

async function selectorFrom(call: Call, gateway: Opened): Promise<RetrySelector> {
  const [named] = call.words
  const appName = call.flags.text('app')
  const given = [named !== undefined, appName !== undefined, call.flags.yes('all')]
  if (given.filter(Boolean).length !== 1) throw new UsageError('Say which: one delivery, --app or --all.')
  if (appName !== undefined) return { kind: 'app', appId: findApp(gateway, appName).id }
  if (named === undefined) return { kind: 'all' }
  const id = parseId('delivery', named)
  if (id === undefined || (await gateway.stores.logouts.findDelivery(id)) === undefined) {
    throw new GatewayError(
      'delivery_not_found',
      `There is no delivery ${printable(named)}. See: gatehouse logout show <logout>`,
    )
  }
  return { kind: 'delivery', id }
}

function summaryOf(report: LogoutReport): string {
  if (report.summary !== undefined) {
    const states = Map.groupBy(report.summary, ({ state }) => state)
    return [...states]
      .map(([state, of]) => `${grouped(of.reduce((sum, { count }) => sum + count, 0))} ${inWords(state)}`)
      .join(', ')
  }
  const counts = Map.groupBy(report.deliveries, ({ state }) => state)
  const parts = [...counts].map(([state, deliveries]) => `${deliveries.length} ${inWords(state)}`)
  return parts.length === 0 ? 'none to tell' : parts.join(', ')
}

function inWords(state: DeliveryReport['state']): string {
  return state.replaceAll('-', ' ')
}

function asRecord(report: LogoutReport): Record<string, unknown> {
  return {
    ...timesAsText(report),
    ...(report.progress === undefined ? {} : { progress: timesAsText(report.progress) }),
    deliveries: report.deliveries.map((delivery) => ({
      ...timesAsText(delivery),
      ...(delivery.mayLastUntil === undefined
        ? {}
        : { mayLastUntil: new Date(delivery.mayLastUntil).toISOString() }),
      attempts: delivery.attempts.map(timesAsText),
    })),
  }
}
