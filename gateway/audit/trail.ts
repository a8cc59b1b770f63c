/**
 * Appends to the audit trail.
 *
 * Owns: what a line holds. Relies on: AuditStore, Clock. Never: chains lines; that is the sealer's work, because a chain inside
 * each transaction would make every writer wait for the one before (DECISIONS 29).
 */
import type { Clock } from '../kernel/clock.ts'
import type { AppendAudit, AuditContext, AuditEvent } from './event.ts'
import type { AuditStore, NewAuditRow } from './store.ts'

export interface AuditTrail {
  /** Inside the transaction that does what the event tells of: both commit or neither. */
  readonly append: AppendAudit
  /** Many at once, in order, in one statement. */
  appendAll(events: readonly AuditEvent[], context: AuditContext): Promise<void>
}

export interface AuditTrailDeps {
  readonly store: AuditStore
  readonly clock: Clock
  /** Id of the request that the caller is working for, if it is. */
  readonly requestId?: () => string | undefined
}

/** Rows in one statement: eight parameters each, far below what any engine takes. */
const rowsAtOnce = 500

/** Creates the trail. */
export function createAuditTrail(deps: AuditTrailDeps): AuditTrail {
  const appendAll: AuditTrail['appendAll'] = async (events, context) => {
    const at = deps.clock.now()
    const requestId = deps.requestId?.()
    for (let from = 0; from < events.length; from += rowsAtOnce) {
      await deps.store.insert(
        events.slice(from, from + rowsAtOnce).map((event) => rowOf(event, context, at, requestId)),
      )
    }
  }
  return { append: (event, context) => appendAll([event], context), appendAll }
}

function rowOf(
  event: AuditEvent,
  context: AuditContext,
  at: number,
  requestId: string | undefined,
): NewAuditRow {
  const { type, ...detail } = event
  return {
    at,
    type,
    actor: JSON.stringify(context.actor),
    subject: subjectOf(event),
    detail: JSON.stringify(detail),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

/** A person where one is concerned, else an app, else a key: what somebody would look for. */
function subjectOf(event: AuditEvent): string {
  if ('accountId' in event && event.accountId !== undefined) return event.accountId
  if ('appId' in event && event.appId !== undefined) return event.appId
  if ('keyId' in event) return event.keyId
  if ('apiKeyId' in event) return event.apiKeyId
  return ''
}
