/**
 * Ends what has run out, so that its apps hear of it, and deletes what nobody needs any more.
 *
 * Owns: when sessions that ran out are ended, and with which cause. Relies on: lifetime for whether they ran out, the door for ending
 * them. Never: decides whether a session may be used; that is decided at read, so nothing here is needed for correctness, only for
 * telling apps in time and for keeping tables small.
 *
 * Two processes may sweep at once: the door ends each session for one of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, dayMs, secondMs } from '../kernel/clock.ts'
import type { AppId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { giveWay, restAfter } from '../kernel/turn.ts'
import type { AppSession } from '../sessions/app-session.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndSession, SessionSelector } from '../sessions/ending.ts'
import {
  type AppLifetimePolicy,
  appEndsAt,
  appExpiryOf,
  type Expiry,
  endsAt,
  expiryOf,
  type LifetimePolicy,
} from '../sessions/lifetime.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore, TokenStore } from '../sessions/store.ts'
import type { AppDirectory } from './app-directory.ts'
import type { Journeys } from './journey.ts'
import type { JourneyStore } from './journey-store.ts'
import type { LogoutStore } from './store.ts'
import type { WebhookStore } from './webhook-store.ts'

export interface SweeperDeps {
  readonly sessions: SessionStore
  readonly tokens: TokenStore
  readonly logouts: LogoutStore
  readonly webhooks: Pick<WebhookStore, 'deleteOld'>
  readonly journeyStore: Pick<JourneyStore, 'deleteExpired'>
  readonly journeys: Pick<Journeys, 'giveUp'>
  readonly endSession: EndSession
  readonly apps: AppDirectory & {
    /** All apps with the limits that they have now. */
    list(): readonly { readonly id: AppId; readonly sessions: AppLifetimePolicy }[]
  }
  readonly transaction: Transaction
  readonly clock: Clock
  readonly log: Log
  readonly policy: LifetimePolicy
  /** How long ended sessions, settled Logouts and messages about them are kept. */
  readonly keepHistoryMs: number
}

export interface Swept {
  readonly ssoSessionsEnded: number
  readonly appSessionsEnded: number
  /** Apps that a browser was to tell and has not told in its time. */
  readonly givenUp: number
  /** Rows deleted: expired tokens, ended sessions, settled Logouts, messages to the webhook. */
  readonly deleted: number
}

type SessionsEnded = Pick<Swept, 'ssoSessionsEnded' | 'appSessionsEnded'>

/** Apps hear of a session that ran out within this (DECISIONS 31). */
const tickMs = 10 * secondMs
/** Rows looked at or deleted in one step (DECISIONS 31). */
const rowsAtOnce = 100
/** AppSessions of one app made due in one statement, which goes through those that it has made due before. */
const broughtForwardAtOnce = 1_000
/** Sessions ended in one transaction: some 3 ms, and then a rest of as long, in which others get their turn. */
const endedAtOnce = 5
/** Steps of one kind in a tick; the rest waits for the next, so that a mass expiry cannot keep the sweeper from all else. */
const maxSteps = 100
/** An AppSession whose app has lost its limits is looked at again this late: they may come back. */
const recheckUnlimitedMs = dayMs

const gateway: Actor = { kind: 'gateway' }

/** What is to be done about one session that was due. */
type Step =
  | { readonly kind: 'end'; readonly selector: SessionSelector; readonly cause: Expiry }
  | { readonly kind: 'recheck'; readonly session: SsoSession; readonly checkAt: number }
  | { readonly kind: 'recheck-app'; readonly session: AppSession; readonly checkAt: number }

export class Sweeper implements AsyncDisposable {
  readonly #deps: SweeperDeps
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #broughtForward = false
  /** The limits under which the AppSessions of an app are known to be looked at in time. */
  readonly #appLimits = new Map<AppId, string>()

  constructor(deps: SweeperDeps) {
    this.#deps = deps
  }

  /** Sweeps every few seconds until disposed. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Sweeps everything that is due at this instant of the clock. For tests and for verbs without a server. */
  async runOnce(): Promise<Swept> {
    await this.#bringForward()
    await this.#bringAppsForward()
    const ended = await this.#endDue()
    const givenUp = await this.#inSteps(() => this.#deps.journeys.giveUp(rowsAtOnce))
    return { ...ended, givenUp, deleted: await this.#deleteOld() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        const swept = await this.runOnce()
        if (Object.values(swept).some((count) => count > 0)) this.#deps.log.debug('swept', { ...swept })
      } catch (error) {
        this.#deps.log.warn('a sweep failed; the next one goes on', { error })
      }
      await sleep(tickMs, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => {})
    }
  }

  /**
   * Limits may have been shortened while no process ran, and "stay signed in" switched off: nobody waits for an instant that was set
   * under the old ones. Once per process, because limits change with a restart only.
   */
  async #bringForward(): Promise<void> {
    if (this.#broughtForward) return
    const { sessions, clock, policy } = this.#deps
    const now = clock.now()
    const latest = now + Math.min(policy.idleMs, policy.absoluteMs)
    while (!this.#stopped.signal.aborted && (await sessions.bringForward(latest, now, rowsAtOnce)) > 0) {
      await giveWay()
    }
    this.#broughtForward = true
  }

  /** An app may be given limits, or tighter ones, at any time, and by another process. AppSessions that have none would outlive them. */
  async #bringAppsForward(): Promise<void> {
    const { sessions, clock, apps } = this.#deps
    for (const { id, sessions: policy } of apps.list()) {
      const { idleMs = Number.POSITIVE_INFINITY, absoluteMs = Number.POSITIVE_INFINITY } = policy
      const limits = `${idleMs} ${absoluteMs}`
      const known = this.#appLimits.get(id)
      if (known === limits) continue
      const now = clock.now()
      const shortest = Math.min(idleMs, absoluteMs)
      // After a start, what was set under these same limits lies within them. After a change, all are looked at once.
      const latest = known === undefined ? now + shortest : now
      while (Number.isFinite(shortest) && !this.#stopped.signal.aborted) {
        if ((await sessions.bringAppForward(id, latest, now, broughtForwardAtOnce)) === 0) break
        await giveWay()
      }
      this.#appLimits.set(id, limits)
    }
  }

  async #endDue(): Promise<SessionsEnded> {
    let ssoSessionsEnded = 0
    let appSessionsEnded = 0
    for (let step = 0; step < maxSteps && !this.#stopped.signal.aborted; step++) {
      const now = this.#deps.clock.now()
      const due = await this.#deps.sessions.due(now, rowsAtOnce)
      // Whole sessions first: an AppSession ends with its SsoSession and is then no step of its own.
      const steps = [
        ...due.ssoSessions.map((session) => this.#stepFor(session, now)),
        ...due.appSessions.map((session) => this.#appStepFor(session, now)),
      ]
      for (let from = 0; from < steps.length && !this.#stopped.signal.aborted; from += endedAtOnce) {
        const began = performance.now()
        const ended = await this.#take(steps.slice(from, from + endedAtOnce))
        ssoSessionsEnded += ended.ssoSessionsEnded
        appSessionsEnded += ended.appSessionsEnded
        await restAfter(began)
      }
      if (due.ssoSessions.length < rowsAtOnce && due.appSessions.length < rowsAtOnce) break
    }
    return { ssoSessionsEnded, appSessionsEnded }
  }

  #stepFor(session: SsoSession, now: number): Step {
    const { policy } = this.#deps
    const checkAt = endsAt(session, policy)
    if (checkAt > now) return { kind: 'recheck', session, checkAt }
    // By the instant at which it ran out, not by now: the sweeper may come days later, after the gateway was down.
    const cause = expiryOf(session, policy, checkAt) ?? 'absolute'
    return { kind: 'end', selector: { kind: 'sso-sessions', ids: [session.id] }, cause }
  }

  #appStepFor(session: AppSession, now: number): Step {
    const policy = this.#deps.apps.find(session.appId)?.sessions ?? {}
    const checkAt = appEndsAt(session, policy)
    if (checkAt === undefined) return { kind: 'recheck-app', session, checkAt: now + recheckUnlimitedMs }
    if (checkAt > now) return { kind: 'recheck-app', session, checkAt }
    const cause = appExpiryOf(session, policy, checkAt) ?? 'absolute'
    return { kind: 'end', selector: { kind: 'app-sessions', ids: [session.id] }, cause }
  }

  /** A few sessions in one transaction, each a Logout of its own: a report per person. */
  #take(steps: readonly Step[]): Promise<SessionsEnded> {
    const { transaction, sessions, endSession } = this.#deps
    return transaction.run(async () => {
      let ssoSessionsEnded = 0
      let appSessionsEnded = 0
      for (const step of steps) {
        switch (step.kind) {
          case 'end': {
            const ended = await endSession(step.selector, step.cause, gateway)
            ssoSessionsEnded += ended.ssoSessionIds.length
            appSessionsEnded += ended.appSessionIds.length
            break
          }
          case 'recheck':
            await sessions.recheckSsoSession(step.session.id, step.checkAt)
            break
          case 'recheck-app':
            await sessions.recheckAppSession(step.session.id, step.checkAt)
            break
          default:
            step satisfies never
        }
      }
      return { ssoSessionsEnded, appSessionsEnded }
    })
  }

  async #deleteOld(): Promise<number> {
    const { clock, tokens, sessions, logouts, webhooks, journeyStore, keepHistoryMs } = this.#deps
    const now = clock.now()
    const before = now - keepHistoryMs
    // Tokens and offline accesses before the sessions they hang on, sessions before the Logouts that they name.
    const expired = await this.#inSteps(() => tokens.deleteExpired(now, rowsAtOnce))
    const ended = await this.#inSteps(() => sessions.deleteEnded(before, rowsAtOnce, now))
    const journeyed = await this.#inSteps(() => journeyStore.deleteExpired(now, rowsAtOnce))
    const settled = await this.#inSteps(() => logouts.deleteSettled(before, rowsAtOnce))
    const told = await this.#inSteps(() => webhooks.deleteOld(before, rowsAtOnce))
    return expired + ended + settled + journeyed + told
  }

  async #inSteps(takeSome: () => Promise<number>): Promise<number> {
    let taken = 0
    for (let step = 0; step < maxSteps && !this.#stopped.signal.aborted; step++) {
      const count = await takeSome()
      taken += count
      if (count < rowsAtOnce) break
      await giveWay()
    }
    return taken
  }
}
