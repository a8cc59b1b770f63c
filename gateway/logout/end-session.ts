/**
 * The one door: every session that ends, ends here (invariant 1).
 *
 * Owns: the order of the steps below, that they commit together (invariant 2), and that a cause which takes everything takes an app's
 * offline access too, also of sessions that had ended before. Relies on: SessionStore, TokenStore, LogoutStore,
 * AuditTrail, Messenger for whether an app can be told at all. Never: talks to an app. A person's sign-out must not wait for one,
 * so telling them is the dispatcher's work (invariant 6).
 */
import type { AuditEvent } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Changes } from '../kernel/changes.ts'
import type { Clock } from '../kernel/clock.ts'
import { type AccountId, idsTogether, type LogoutId, newId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { AppSession } from '../sessions/app-session.ts'
import { type Actor, type Cause, leavesOfflineAccess } from '../sessions/cause.ts'
import { countSessions } from '../sessions/counts.ts'
import type {
  DirectSelector,
  EndMany,
  EndResult,
  EndSession,
  SessionCounts,
  SessionSelector,
  ThroughBrowser,
} from '../sessions/ending.ts'
import type { OfflineAccess } from '../sessions/offline-access.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore, TokenStore } from '../sessions/store.ts'
import { journeyOf } from './journey.ts'
import type { JourneyStore } from './journey-store.ts'
import type { DeliveryMeter } from './meter.ts'
import type { KnownEndings } from './open-endings.ts'
import { deliveriesFor, isOwedThroughBrowser, type OwedDeps } from './owed.ts'
import { isUrgent } from './pace.ts'
import { revokedEvents } from './revoke-offline.ts'
import type { EndJob, EndJobStore, LogoutStore } from './store.ts'
import type { WebhookOutbox } from './webhook-outbox.ts'

export interface EndSessionDeps extends OwedDeps {
  readonly sessions: SessionStore
  readonly tokens: TokenStore
  readonly logouts: LogoutStore
  readonly jobs: EndJobStore
  /** Readers know of an ending that is not settled from here. */
  readonly endings: Pick<KnownEndings, 'add'>
  readonly journeys: Pick<JourneyStore, 'insert'>
  readonly audit: Pick<AuditTrail, 'appendAll'>
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly clock: Clock
  readonly random: Random
  /** Called after the commit: the dispatcher of this process has something to do. */
  readonly wake: () => void
  readonly meter?: Pick<DeliveryMeter, 'settled'>
  /** Absent where nobody wants to hear of failures. */
  readonly outbox?: Pick<WebhookOutbox, 'deliveriesSettled'>
}

/** The store ends at most this many at a time, so that no other writer waits long (DECISIONS 23). */
const maxEndedAtOnce = 200

interface Ended {
  readonly ssoSessions: readonly SsoSession[]
  readonly appSessions: readonly AppSession[]
  readonly offline: readonly OfflineAccess[]
  /** Apps wait for the browser. */
  readonly browserNeeded: boolean
}

interface Of {
  readonly logoutId: LogoutId
  readonly cause: Cause
  readonly actor: Actor
  /** The browser of the sessions, where it has a part in this. */
  readonly through?: ThroughBrowser
}

/**
 * Creates the door.
 *
 * The first 200 sessions end inside the caller's transaction. When more may be left, or the conditions are general, the same
 * transaction commits a job: from that instant every reader finds all of them ended, and batches mark them in the background under
 * the same Logout (DECISIONS 23). So a command is all or nothing, however many sessions it ends.
 */
export function createEndSession(deps: EndSessionDeps): EndSession {
  return async (selector, cause, actor, through) => {
    const of: Of = {
      logoutId: newId('logout', deps.random),
      cause,
      actor,
      ...(through === undefined ? {} : { through }),
    }
    if (selector.kind === 'where') {
      return deps.transaction.run(
        async () => {
          const counts = await countSessions(deps.sessions, selector.where, deps.clock.now())
          if (counts.ssoSessions === 0) return revokeAll(deps, selector, of)
          await beginWhere(deps, selector, counts, of)
          return { ...nothingEnded, logoutId: of.logoutId, continues: true }
        },
        { durable: true },
      )
    }
    return deps.transaction.run(() => endAll(deps, selector, of), { durable: mustOutlivePowerCut(cause) })
  }
}

/**
 * What ran out has ended whether or not anybody wrote it down, and nobody was promised that it is: if a power cut takes the mark back, the
 * sweeper makes it again. A flush for every few of ten thousand would keep everybody waiting for the disk (DECISIONS 31).
 */
function mustOutlivePowerCut(cause: Cause): boolean {
  return cause !== 'idle' && cause !== 'absolute'
}

/** All of it or nothing: a long list of ids goes in parts, and ends by one commit. */
async function endAll(deps: EndSessionDeps, selector: DirectSelector, of: Of): Promise<EndResult> {
  const ssoSessionIds: EndResult['ssoSessionIds'][number][] = []
  const appSessionIds: EndResult['appSessionIds'][number][] = []
  let offlineAccesses = 0
  let continues = false
  let browserNeeded = false
  for (const part of inBatches(selector)) {
    const first = await endFirst(deps, part, of)
    for (const { id } of first.ended.ssoSessions) ssoSessionIds.push(id)
    for (const { id } of first.ended.appSessions) appSessionIds.push(id)
    offlineAccesses += first.ended.offline.length
    continues ||= first.continues
    browserNeeded ||= first.ended.browserNeeded
  }
  const nothing = ssoSessionIds.length === 0 && appSessionIds.length === 0
  return {
    ...(nothing ? {} : { logoutId: of.logoutId }),
    ssoSessionIds,
    appSessionIds,
    ...(offlineAccesses === 0 ? {} : { offlineAccesses }),
    ...(continues ? { continues } : {}),
    ...(browserNeeded ? { browserNeeded } : {}),
  }
}

const nothingEnded: EndResult = { ssoSessionIds: [], appSessionIds: [] }

/** Nobody is signed in, and yet apps may hold access that outlived such sessions. */
async function revokeAll(
  deps: EndSessionDeps,
  selector: Extract<SessionSelector, { kind: 'where' }>,
  of: Of,
): Promise<EndResult> {
  const job = { ...of, selector, epochAt: deps.clock.now() }
  let offlineAccesses = 0
  for (;;) {
    const offline = await revokeWhere(deps, job)
    offlineAccesses += offline.length
    if (offline.length < maxEndedAtOnce) break
  }
  return { ...nothingEnded, ...(offlineAccesses === 0 ? {} : { offlineAccesses }) }
}

/** Begins to end whatever the conditions find, however much it is, without ending any of it yet. */
export function createBeginEnding(deps: EndSessionDeps): EndMany['begin'] {
  return async (where, counts, cause, actor) => {
    const of: Of = { logoutId: newId('logout', deps.random), cause, actor }
    await deps.transaction.run(() => beginWhere(deps, { kind: 'where', where }, counts, of), {
      durable: true,
    })
    return of.logoutId
  }
}

async function endFirst(
  deps: EndSessionDeps,
  selector: DirectSelector,
  of: Of,
): Promise<{ readonly ended: Ended; readonly continues: boolean }> {
  const now = deps.clock.now()
  const ended = await endBatch(deps, selector, { ...of, at: now, paced: !isUrgent(of.cause) })
  if (!mayFindMore(selector, ended)) return { ended, continues: false }
  const left = await deps.sessions.countCovered({ selector, epochAt: now })
  if (left === 0 && ended.offline.length < maxEndedAtOnce) return { ended, continues: false }
  const marked = markedOf(selector, ended)
  const { logoutId, cause, actor } = of
  const job: EndJob = { logoutId, cause, actor, selector, epochAt: now, found: marked + left, ended: marked }
  await openJob(deps, job, onlyAccount(ended), { sessions: job.found })
  return { ended, continues: true }
}

async function beginWhere(
  deps: EndSessionDeps,
  selector: Extract<EndJob['selector'], { kind: 'where' }>,
  counts: SessionCounts,
  of: Of,
): Promise<void> {
  const job = { ...of, selector, epochAt: deps.clock.now(), found: counts.ssoSessions, ended: 0 }
  const { ssoSessions, ...others } = counts
  await openJob(deps, job, selector.where.account, { sessions: ssoSessions, ...others })
}

/** From its commit on, what the job covers has ended for every reader; the batches of `ending-jobs` mark it. */
async function openJob(
  deps: EndSessionDeps,
  job: EndJob,
  accountId: AccountId | undefined,
  counts: Omit<Extract<AuditEvent, { type: 'sessions.ending' }>, 'type' | 'logoutId' | 'cause' | 'selector'>,
): Promise<void> {
  const { logoutId, cause, actor, selector } = job
  await deps.logouts.insert(
    {
      id: logoutId,
      cause,
      actor,
      ...(accountId === undefined ? {} : { accountId }),
      startedAt: job.epochAt,
      ssoSessions: 0,
      appSessions: 0,
      notWanted: 0,
    },
    [],
  )
  await deps.jobs.insert(job)
  await deps.audit.appendAll([{ type: 'sessions.ending', logoutId, cause, selector, ...counts }], { actor })
  await deps.changes.announce('sessions')
  deps.transaction.afterCommit(() => deps.endings.add(job))
}

/** How many sessions of the kind that the selector ends. */
export function markedOf(selector: EndJob['selector'], { ssoSessions, appSessions }: Ended): number {
  return selector.kind === 'app' || selector.kind === 'app-sessions' ? appSessions.length : ssoSessions.length
}

/** What apps may do while people are away, by sessions that ended before the conditions found those that were active. At most 200. */
export async function revokeWhere(
  deps: EndSessionDeps,
  { selector, cause, actor, epochAt }: Omit<EndJob, 'found' | 'ended'>,
): Promise<readonly OfflineAccess[]> {
  if (leavesOfflineAccess(cause)) return []
  const offline = await deps.tokens.revokeOffline(selector, maxEndedAtOnce, epochAt)
  if (offline.length > 0) await deps.audit.appendAll(revokedEvents(offline, cause), { actor })
  return offline
}

/** What the selector finds active, at most 200 of it, in the caller's transaction. */
export async function endBatch(
  deps: EndSessionDeps,
  selector: DirectSelector,
  of: Of & {
    /** By when it has ended: the instant of the job, or now. */
    readonly at: number
    readonly startedBy?: number
    /** Nobody waits for the apps to hear of it. */
    readonly paced: boolean
  },
): Promise<Ended> {
  const now = deps.clock.now()
  // 1. Mark them ended: from here on every read and every write in flight finds them so (invariant 3). What another caller ended in
  //    the same instant is not in the answer, so each session is ended, told and recorded once.
  const { at, logoutId, cause, actor, startedBy } = of
  const marked = await deps.sessions.markEnded(selector, { at, logoutId, cause, actor }, startedBy)
  // 2. Revoke what hangs on them, and what hung on sessions that ended before. After the mark, so that no token can be made in between.
  const leaves = leavesOfflineAccess(cause)
  const offline = leaves ? [] : await deps.tokens.revokeOffline(selector, maxEndedAtOnce, startedBy)
  if (marked.ssoSessions.length === 0 && marked.appSessions.length === 0) {
    if (offline.length > 0) await deps.audit.appendAll(revokedEvents(offline, cause), { actor })
    return { ...marked, offline, browserNeeded: false }
  }
  await deps.tokens.revokeOfAppSessions(
    marked.appSessions.map(({ id }) => id),
    leaves,
  )
  // 3. Owe the news to every app that wants it. An app that could not be told is stored too: a report must not leave it out.
  const owing = { ...of, newDeliveryId: idsTogether('delivery', deps.random) }
  const owed = marked.appSessions.map((session) => deliveriesFor(deps, session, owing, now))
  const deliveries = owed.flat()
  const pending = deliveries.some(({ progress }) => progress.state === 'pending')
  const ended: Ended = { ...marked, offline, browserNeeded: deliveries.some(isOwedThroughBrowser) }
  const accountId = onlyAccount(ended)
  await deps.logouts.insert(
    {
      id: of.logoutId,
      cause: of.cause,
      actor: of.actor,
      ...(accountId === undefined ? {} : { accountId }),
      startedAt: now,
      ...(pending ? {} : { settledAt: now }),
      ssoSessions: ended.ssoSessions.length,
      appSessions: ended.appSessions.length,
      notWanted: owed.filter(({ length }) => length === 0).length,
    },
    deliveries,
  )
  // 4. Let the browser watch, and carry what only it can: in the same commit, or a crash would leave it with nothing to come back to.
  if (of.through !== undefined) await deps.journeys.insert(journeyOf(logoutId, of.through, now))
  // 5. Write it down.
  await deps.audit.appendAll(eventsOf(ended, of), { actor: of.actor })
  await deps.outbox?.deliveriesSettled(deliveries)
  // 6. After the commit, never before: a dispatcher woken early would find nothing and go back to sleep.
  if (pending) {
    await deps.changes.announce('deliveries')
    deps.transaction.afterCommit(deps.wake)
  }
  for (const { progress } of deliveries) {
    const { state } = progress
    if (state !== 'pending') deps.transaction.afterCommit(() => deps.meter?.settled(state))
  }
  return ended
}

function eventsOf(
  ended: Ended,
  of: { readonly logoutId: LogoutId; readonly cause: Cause },
): readonly AuditEvent[] {
  const { logoutId, cause } = of
  return [
    ...ended.ssoSessions.map(
      ({ id, accountId }): AuditEvent => ({
        type: 'session.ended',
        accountId,
        ssoSessionId: id,
        cause,
        logoutId,
      }),
    ),
    ...ended.appSessions.map(
      ({ id, accountId, appId }): AuditEvent => ({
        type: 'app-session.ended',
        accountId,
        appSessionId: id,
        appId,
        cause,
        logoutId,
      }),
    ),
    ...revokedEvents(ended.offline, cause),
  ]
}

function onlyAccount({
  ssoSessions,
  appSessions,
}: Pick<Ended, 'ssoSessions' | 'appSessions'>): AccountId | undefined {
  const accounts = new Set([...ssoSessions, ...appSessions].map(({ accountId }) => accountId))
  const [first] = accounts
  return accounts.size === 1 ? first : undefined
}

/** Long lists of ids as several selectors that the store takes whole. */
function inBatches(selector: DirectSelector): readonly DirectSelector[] {
  if (selector.kind === 'sso-sessions')
    return chunks(selector.ids).map((ids) => ({ kind: 'sso-sessions', ids }))
  if (selector.kind === 'app-sessions')
    return chunks(selector.ids).map((ids) => ({ kind: 'app-sessions', ids }))
  return [selector]
}

function chunks<T>(list: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(list.length / maxEndedAtOnce)
  return Array.from({ length: count }, (_, at) => list.slice(at * maxEndedAtOnce, (at + 1) * maxEndedAtOnce))
}

function mayFindMore(selector: DirectSelector, { ssoSessions, appSessions, offline }: Ended): boolean {
  if (offline.length >= maxEndedAtOnce) return true
  switch (selector.kind) {
    case 'sso-sessions':
    case 'app-sessions':
      return false
    case 'account':
    case 'credential':
      return ssoSessions.length >= maxEndedAtOnce
    case 'app':
      return appSessions.length >= maxEndedAtOnce
    default:
      return selector satisfies never
  }
}
