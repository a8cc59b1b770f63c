/**
 * What became of a Logout, as every page, the command line and the API tell it.
 *
 * Owns: the words "confirmed", "waiting", … and what each may claim. Relies on: LogoutStore, AppDirectory for names.
 * Never: says confirmed of anything but an answer (N-030).
 */
import type { AccountId, AppId, DeliveryId, LogoutId } from '../kernel/ids.ts'
import type { Actor, Cause } from '../sessions/cause.ts'
import type { AppDirectory } from './app-directory.ts'
import type { Channel, DeliveryAttempt, Logout, LogoutDelivery } from './delivery.ts'
import type { LogoutFilter, LogoutStore } from './store.ts'

export type ReportState =
  /** The app answered that its session is gone. */
  | 'confirmed'
  /** Not asked yet, or asked for the first time and not answered yet. */
  | 'waiting'
  /** Asked without success; asked again at `nextAttemptAt`. */
  | 'retrying'
  /** Answered that it will not; `reason` says what. */
  | 'refused'
  /** Asked until there was no time left. */
  | 'given-up'
  /** Has no way to be told. */
  | 'cannot-be-told'

export interface DeliveryReport {
  readonly id: DeliveryId
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

export interface LogoutReport {
  readonly id: LogoutId
  readonly cause: Cause
  readonly actor: Actor
  readonly accountId?: AccountId
  readonly startedAt: number
  /** Absent while an app is still to be told. */
  readonly settledAt?: number
  readonly ssoSessions: number
  readonly appSessions: number
  /** AppSessions whose app does not want to hear of this cause: ended here, and nobody was told. */
  readonly notWanted: number
  readonly deliveries: readonly DeliveryReport[]
}

/** One line for a page: what `views/pages/sign-out-report` renders. */
export interface ReportRow {
  readonly appName: string
  readonly state: ReportState
  readonly detail?: string
  readonly nextAttemptAt?: number
  readonly mayLastUntil?: number
}

export interface LogoutReports {
  find(id: LogoutId): Promise<LogoutReport | undefined>
  /** Newest first, without attempts. */
  list(filter: LogoutFilter): Promise<readonly LogoutReport[]>
}

/** Creates the reader of reports. */
export function createLogoutReports(deps: {
  readonly logouts: LogoutStore
  readonly apps: AppDirectory
}): LogoutReports {
  const { logouts, apps } = deps
  return {
    find: async (id) => {
      const logout = await logouts.find(id)
      if (logout === undefined) return undefined
      const deliveries = await logouts.deliveriesOf([id])
      const attempts = Map.groupBy(
        await logouts.attemptsOf(deliveries.map((delivery) => delivery.id)),
        ({ deliveryId }) => deliveryId,
      )
      return reportOf(
        logout,
        deliveries.map((delivery) => deliveryReport(delivery, attempts.get(delivery.id) ?? [], apps)),
      )
    },
    list: async (filter) => {
      const found = await logouts.list(filter)
      const deliveries = Map.groupBy(
        await logouts.deliveriesOf(found.map(({ id }) => id)),
        ({ logoutId }) => logoutId,
      )
      return found.map((logout) =>
        reportOf(
          logout,
          (deliveries.get(logout.id) ?? []).map((delivery) => deliveryReport(delivery, [], apps)),
        ),
      )
    },
  }
}

function reportOf(logout: Logout, deliveries: readonly DeliveryReport[]): LogoutReport {
  return { ...logout, notWanted: Math.max(0, logout.appSessions - deliveries.length), deliveries }
}

function deliveryReport(
  delivery: LogoutDelivery,
  attempts: readonly DeliveryAttempt[],
  apps: AppDirectory,
): DeliveryReport {
  const { id, appId, sid, channel, mayLastUntil } = delivery
  const claim = claimOf(delivery)
  return {
    id,
    appId,
    appName: apps.find(appId)?.name ?? appId,
    sid,
    channel,
    attempts,
    ...claim,
    ...(claim.state === 'confirmed' || mayLastUntil === undefined ? {} : { mayLastUntil }),
  }
}

/** What may be said of a delivery. The only place that decides. */
function claimOf({
  attempts,
  progress,
}: LogoutDelivery): Pick<DeliveryReport, 'state' | 'nextAttemptAt' | 'settledAt' | 'reason'> {
  switch (progress.state) {
    case 'pending': {
      // A lease counts as an attempt begun: the very first one is still waiting for its answer, not yet retrying.
      const answered = progress.leaseBy === undefined ? attempts : attempts - 1
      if (answered <= 0) return { state: 'waiting' }
      return {
        state: 'retrying',
        ...(progress.leaseBy === undefined ? { nextAttemptAt: progress.dueAt } : {}),
      }
    }
    case 'delivered':
      return { state: 'confirmed', settledAt: progress.settledAt }
    case 'refused':
      return { state: 'refused', settledAt: progress.settledAt, reason: progress.reason }
    case 'abandoned':
      return { state: 'given-up', settledAt: progress.settledAt, reason: progress.reason }
    case 'untellable':
      return { state: 'cannot-be-told', settledAt: progress.settledAt, reason: progress.reason }
    default:
      return progress satisfies never
  }
}

/** The report as lines of a page. Several sessions of one app are several lines: each may stand differently. */
export function rowsOf(report: LogoutReport): readonly ReportRow[] {
  return report.deliveries.map(({ appName, state, reason, nextAttemptAt, mayLastUntil }) => ({
    appName,
    state,
    ...(reason === undefined ? {} : { detail: reason }),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
    ...(mayLastUntil === undefined ? {} : { mayLastUntil }),
  }))
}
