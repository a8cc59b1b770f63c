import type { AccountId, AppId, AppSessionId, DeliveryId, LogoutId } from '#gateway/kernel/ids.ts'
import type {
  DeliveryAttempt,
  Logout,
  LogoutDelivery,
  Pending,
  PendingDelivery,
  Progress,
} from '#gateway/logout/delivery.ts'
import type { Actor, Cause } from '#gateway/sessions/cause.ts'
import type { DeliveryAttemptRow, LogoutDeliveryRow, LogoutRow } from './schema.ts'

export function toLogout(row: LogoutRow): Logout {
  return {
    id: row.id as LogoutId,
    cause: row.cause as Cause,
    actor: JSON.parse(row.actor) as Actor,
    ...(row.account_id === null ? {} : { accountId: row.account_id as AccountId }),
    startedAt: row.started_at,
    ...(row.settled_at === null ? {} : { settledAt: row.settled_at }),
    ssoSessions: row.sso_sessions,
    appSessions: row.app_sessions,
    notWanted: row.not_wanted,
  }
}

export function fromLogout(tenant: string, logout: Logout): LogoutRow {
  return {
    tenant,
    id: logout.id,
    cause: logout.cause,
    actor: JSON.stringify(logout.actor),
    account_id: logout.accountId ?? null,
    started_at: logout.startedAt,
    settled_at: logout.settledAt ?? null,
    sso_sessions: logout.ssoSessions,
    app_sessions: logout.appSessions,
    not_wanted: logout.notWanted,
  }
}

export function toDelivery(row: LogoutDeliveryRow): LogoutDelivery {
  return { ...toDuty(row), progress: toProgress(row) }
}

/** A row that the statement has just found or made `pending`. */
export function toPendingDelivery(row: LogoutDeliveryRow): PendingDelivery {
  return { ...toDuty(row), progress: toPending(row) }
}

function toDuty(row: LogoutDeliveryRow): Omit<LogoutDelivery, 'progress'> {
  return {
    id: row.id as DeliveryId,
    logoutId: row.logout_id as LogoutId,
    appSessionId: row.app_session_id as AppSessionId,
    appId: row.app_id as AppId,
    accountId: row.account_id as AccountId,
    sid: row.sid,
    channel: row.channel,
    createdAt: row.created_at,
    attempts: row.attempts,
    ...(row.may_last_until === null ? {} : { mayLastUntil: row.may_last_until }),
  }
}

export function toPending(
  row: Pick<LogoutDeliveryRow, 'due_at' | 'give_up_at' | 'refusals' | 'refused_since' | 'lease_by'>,
): Pending {
  return {
    state: 'pending',
    dueAt: row.due_at,
    giveUpAt: row.give_up_at,
    refusals: row.refusals,
    ...(row.refused_since === null ? {} : { refusedSince: row.refused_since }),
    ...(row.lease_by === null ? {} : { leaseBy: row.lease_by }),
  }
}

function toProgress(row: LogoutDeliveryRow): Progress {
  const settledAt = row.settled_at ?? row.created_at
  const reason = row.reason ?? ''
  switch (row.state) {
    case 'pending':
      return toPending(row)
    case 'delivered':
    case 'sent':
      return { state: row.state, settledAt }
    case 'refused':
    case 'abandoned':
    case 'untellable':
      return { state: row.state, settledAt, reason }
    default:
      return row.state satisfies never
  }
}

type ProgressColumns = Pick<
  LogoutDeliveryRow,
  'state' | 'due_at' | 'give_up_at' | 'refusals' | 'refused_since' | 'lease_by' | 'settled_at' | 'reason'
>

/** The columns that change with each attempt. A settled delivery is due no more, so its times of waiting are zero. */
export function fromProgress(progress: Progress): ProgressColumns {
  if (progress.state === 'pending') {
    return {
      state: 'pending',
      due_at: progress.dueAt,
      give_up_at: progress.giveUpAt,
      refusals: progress.refusals,
      refused_since: progress.refusedSince ?? null,
      lease_by: progress.leaseBy ?? null,
      settled_at: null,
      reason: null,
    }
  }
  return {
    state: progress.state,
    due_at: 0,
    give_up_at: 0,
    refusals: 0,
    refused_since: null,
    lease_by: null,
    settled_at: progress.settledAt,
    reason: 'reason' in progress ? progress.reason : null,
  }
}

export function fromDelivery(tenant: string, delivery: LogoutDelivery): LogoutDeliveryRow {
  return {
    tenant,
    id: delivery.id,
    logout_id: delivery.logoutId,
    app_session_id: delivery.appSessionId,
    app_id: delivery.appId,
    account_id: delivery.accountId,
    sid: delivery.sid,
    channel: delivery.channel,
    attempts: delivery.attempts,
    created_at: delivery.createdAt,
    may_last_until: delivery.mayLastUntil ?? null,
    ...fromProgress(delivery.progress),
  }
}

export function toAttempt(row: DeliveryAttemptRow): DeliveryAttempt {
  return {
    deliveryId: row.delivery_id as DeliveryId,
    number: row.number,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    outcome: row.outcome,
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.error === null ? {} : { error: row.error }),
  }
}

export function fromAttempt(tenant: string, attempt: DeliveryAttempt): DeliveryAttemptRow {
  return {
    tenant,
    delivery_id: attempt.deliveryId,
    number: attempt.number,
    started_at: attempt.startedAt,
    duration_ms: attempt.durationMs,
    outcome: attempt.outcome,
    status: attempt.status ?? null,
    error: attempt.error ?? null,
  }
}
