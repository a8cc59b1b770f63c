/**
 * What became of a Logout, as every page, the command line and the API tell it.
 *
 * Owns: the words "confirmed", "waiting", … and what each may claim. Relies on: LogoutStore, AppDirectory for names.
 * Never: says confirmed of anything but an answer (N-030).
 */
import type { AppId, DeliveryId, LogoutId } from '../kernel/ids.ts'
import type { Page } from '../kernel/page.ts'
import type { AppDirectory } from './app-directory.ts'
import type { Channel, DeliveryAttempt, Logout, LogoutDelivery, Progress } from './delivery.ts'
import { nextAttemptAt, type Reachability } from './health.ts'
import type { HealthStore } from './health-store.ts'
import type {
  DeliveryCount,
  EndJob,
  EndJobStore,
  LogoutCursor,
  LogoutFilter,
  LogoutPageFilter,
  LogoutStore,
} from './store.ts'

export type ReportState =
  /** The app answered that its session is gone. */
  | 'confirmed'
  /** Its page was loaded in the person's browser, which proves nothing. */
  | 'sent'
  /** Not asked yet, or asked for the first time and not answered yet. */
  | 'waiting'
  /** Asked without success, for this session or, with the breaker open, for others; asked again at `nextAttemptAt`. */
  | 'retrying'
  /** Answered that it will not; `reason` says what. */
  | 'refused'
  /** Asked until there was no time left. */
  | 'given-up'
  /** Has no way to be told. */
  | 'cannot-be-told'

export interface DeliveryReport {
  readonly id: DeliveryId
  readonly logoutId: LogoutId
  readonly appId: AppId
  readonly appName: string
  readonly sid: string
  readonly channel: Channel
  readonly state: ReportState
  readonly attempts: readonly DeliveryAttempt[]
  readonly nextAttemptAt?: number
  readonly settledAt?: number
  /** Why it stands as it does, as the end of a sentence. */
  readonly reason?: string
  /** Until when the app's own session may live on: for all but confirmed ones, when the app declares it. */
  readonly mayLastUntil?: number
}

/** How many deliveries stand how; states that none is in are missing. */
export type DeliveryCounts = Readonly<Partial<Record<ReportState, number>>>

/** A Logout in a list, where its deliveries are only counted. */
export interface LogoutSummary extends Logout {
  readonly counts: DeliveryCounts
  /** Of one that is worked off in batches: how many sessions there are to end, about, and how many have been marked so far. */
  readonly progress?: { readonly sessions: number; readonly ended: number; readonly finishedAt?: number }
}

export interface LogoutReport extends LogoutSummary {
  /** Where there are many: all deliveries, counted by app. Then `deliveries` are some of those that are not confirmed. */
  readonly summary?: readonly DeliverySummary[]
  readonly deliveries: readonly DeliveryReport[]
}

/** So many deliveries to one app stand so. */
export interface DeliverySummary {
  readonly appId: AppId
  readonly appName: string
  readonly state: ReportState
  readonly count: number
}

/** One line for a page: what `views/pages/sign-out-report` renders. */
export interface ReportRow {
  readonly appName: string
  readonly channel: Channel
  readonly state: ReportState
  readonly detail?: string
  readonly nextAttemptAt?: number
  readonly mayLastUntil?: number
}

export interface LogoutReports {
  find(id: LogoutId): Promise<LogoutReport | undefined>
  /** These deliveries, in any order; what there is not is left out. For a page that has some of a large Logout before it. */
  deliveries(ids: readonly DeliveryId[]): Promise<readonly DeliveryReport[]>
  /** Newest first, without attempts. */
  list(filter: LogoutFilter): Promise<readonly LogoutReport[]>
  /** A part of all of them, the newest first. */
  page(filter: LogoutPageFilter): Promise<Page<LogoutSummary, LogoutCursor>>
}

/** The deliveries of a Logout of more AppSessions are counted: nobody reads so many lines, and no page has room for them. */
const listedAtMost = 200

/** Creates the reader of reports. */
export function createLogoutReports(deps: {
  readonly logouts: LogoutStore
  readonly jobs: Pick<EndJobStore, 'of'>
  readonly health: Pick<HealthStore, 'find'>
  readonly apps: AppDirectory
}): LogoutReports {
  const { logouts, health, apps } = deps
  /** What is known of the apps that these wait for. */
  const reachabilityOf = async (deliveries: readonly LogoutDelivery[]) => {
    const waiting = deliveries.filter(({ progress }) => progress.state === 'pending')
    const known = await health.find([...new Set(waiting.map(({ appId }) => appId))])
    return new Map(known.map((of) => [of.appId, of]))
  }
  const summarize = async (found: readonly Logout[]): Promise<readonly Summarized[]> => {
    const ids = found.map(({ id }) => id)
    const jobs = new Map((await deps.jobs.of(ids)).map((job) => [job.logoutId, job]))
    const counts = Map.groupBy(await logouts.countDeliveries(ids), ({ logoutId }) => logoutId)
    return found.map((logout) => {
      const counted = counts.get(logout.id) ?? []
      const isLarge = logout.appSessions > listedAtMost
      return {
        summary: summaryOf(logout, counted, jobs.get(logout.id)),
        ...(isLarge ? { byApp: byAppOf(counted, apps) } : {}),
      }
    })
  }
  const reportEach = async (deliveries: readonly LogoutDelivery[]): Promise<readonly DeliveryReport[]> => {
    const attempts = Map.groupBy(
      await logouts.attemptsOf(deliveries.map(({ id }) => id)),
      ({ deliveryId }) => deliveryId,
    )
    const known = await reachabilityOf(deliveries)
    return deliveries.map((delivery) =>
      deliveryReport(delivery, attempts.get(delivery.id) ?? [], apps, known.get(delivery.appId)),
    )
  }
  return {
    find: async (id) => {
      const logout = await logouts.find(id)
      if (logout === undefined) return undefined
      const [summarized = { summary: summaryOf(logout, [], undefined) }] = await summarize([logout])
      const deliveries =
        summarized.byApp === undefined
          ? await logouts.deliveriesOf([id])
          : await logouts.unconfirmedOf(id, listedAtMost)
      return reportOf(summarized, await reportEach(deliveries))
    },
    deliveries: async (ids) => {
      const found = await Promise.all(ids.map((id) => logouts.findDelivery(id)))
      return reportEach(found.filter((delivery) => delivery !== undefined))
    },
    list: async (filter) => {
      const found = await summarize(await logouts.list(filter))
      const small = found.filter(({ byApp }) => byApp === undefined)
      const all = await logouts.deliveriesOf(small.map(({ summary }) => summary.id))
      const known = await reachabilityOf(all)
      const deliveries = Map.groupBy(all, ({ logoutId }) => logoutId)
      return found.map((summarized) =>
        reportOf(
          summarized,
          (deliveries.get(summarized.summary.id) ?? []).map((delivery) =>
            deliveryReport(delivery, [], apps, known.get(delivery.appId)),
          ),
        ),
      )
    },
    page: async (filter) => {
      const { items, ...rest } = await logouts.page(filter)
      return { ...rest, items: (await summarize(items)).map(({ summary }) => summary) }
    },
  }
}

interface Summarized {
  readonly summary: LogoutSummary
  /** Of one that is too large to be listed. */
  readonly byApp?: readonly DeliverySummary[]
}

function reportOf({ summary, byApp }: Summarized, deliveries: readonly DeliveryReport[]): LogoutReport {
  return { ...summary, ...(byApp === undefined ? {} : { summary: byApp }), deliveries }
}

function summaryOf(
  logout: Logout,
  counted: readonly DeliveryCount[],
  job: EndJob | undefined,
): LogoutSummary {
  const counts: Partial<Record<ReportState, number>> = {}
  for (const { state, answered, count } of counted) {
    const word = wordFor(state, answered)
    counts[word] = (counts[word] ?? 0) + count
  }
  return {
    ...logout,
    counts,
    ...(job === undefined ? {} : { progress: progressOf(job) }),
  }
}

function progressOf({ found, ended, finishedAt }: EndJob): NonNullable<LogoutSummary['progress']> {
  // Others end some of what was found, and some came after it was counted: at the end, what was marked is what there was.
  return finishedAt === undefined
    ? { sessions: Math.max(found, ended), ended }
    : { sessions: ended, ended, finishedAt }
}

function byAppOf(counted: readonly DeliveryCount[], apps: AppDirectory): readonly DeliverySummary[] {
  const sums = new Map<string, DeliverySummary>()
  for (const { appId, state, answered, count } of counted) {
    const word = wordFor(state, answered)
    const key = `${appId} ${word}`
    const appName = apps.find(appId)?.name ?? appId
    sums.set(key, { appId, appName, state: word, count: count + (sums.get(key)?.count ?? 0) })
  }
  return [...sums.values()].toSorted((one, other) => one.appName.localeCompare(other.appName, 'en'))
}

function deliveryReport(
  delivery: LogoutDelivery,
  attempts: readonly DeliveryAttempt[],
  apps: AppDirectory,
  reachability: Reachability | undefined,
): DeliveryReport {
  const { id, logoutId, appId, sid, channel, mayLastUntil } = delivery
  const claim = claimOf(delivery, reachability)
  return {
    id,
    logoutId,
    appId,
    appName: apps.find(appId)?.name ?? appId,
    sid,
    channel,
    attempts,
    ...claim,
    ...(claim.state === 'confirmed' || mayLastUntil === undefined ? {} : { mayLastUntil }),
  }
}

/** The word for how a delivery stands; of one that is pending, by whether an attempt has come to its end or
 * none is made because the app is down. The only place that decides. */
function wordFor(state: Progress['state'], answered: boolean): ReportState {
  switch (state) {
    case 'pending':
      return answered ? 'retrying' : 'waiting'
    case 'delivered':
      return 'confirmed'
    case 'sent':
      return 'sent'
    case 'refused':
      return 'refused'
    case 'abandoned':
      return 'given-up'
    case 'untellable':
      return 'cannot-be-told'
    default:
      return state satisfies never
  }
}

/** What may be said of a delivery besides its word. */
export function claimOf(
  delivery: LogoutDelivery,
  reachability?: Reachability,
): Pick<DeliveryReport, 'state' | 'nextAttemptAt' | 'settledAt' | 'reason'> {
  const { attempts, progress } = delivery
  // A lease counts as an attempt begun: the very first one is still waiting for its answer, not yet retrying.
  const leased = progress.state === 'pending' && progress.leaseBy !== undefined
  const { breaker, reason } = reachability ?? {}
  const state = wordFor(progress.state, attempts > (leased ? 1 : 0) || (breaker !== undefined && !leased))
  if (progress.state === 'pending') {
    return {
      state,
      ...(state === 'waiting' || leased
        ? {}
        : { nextAttemptAt: nextAttemptAt({ ...delivery, progress }, reachability) }),
      ...(breaker === undefined || reason === undefined ? {} : { reason }),
    }
  }
  const { settledAt } = progress
  return { state, settledAt, ...('reason' in progress ? { reason: progress.reason } : {}) }
}

/** The report as lines of a page. Several sessions of one app are several lines: each may stand differently. */
export function rowsOf(report: LogoutReport): readonly ReportRow[] {
  return report.deliveries.map(({ appName, channel, state, reason, nextAttemptAt, mayLastUntil }) => ({
    appName,
    channel,
    state,
    ...(reason === undefined ? {} : { detail: reason }),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
    ...(mayLastUntil === undefined ? {} : { mayLastUntil }),
  }))
}
