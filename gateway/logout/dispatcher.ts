/**
 * Tells apps that their sessions have ended, until each has answered or its time is over.
 *
 * Owns: which delivery is tried when, how many at once, and the leases of those in flight. Relies on: LogoutStore for what is due,
 * for leaving out apps whose breaker is open, and for fencing, Messenger for the message, Booking for writing down the answer.
 * Never: books anything but an answer or that time is over (invariant 5), and never lets one app hold up another: the claim gives each app its turn, and
 * at most `perApp` attempts to one app are in flight.
 *
 * kill -9 at any point loses nothing: what was claimed is still `pending`, its lease runs out within 15 s, and whoever claims it next,
 * this process after its restart or another, tells the app again. An app may hear the same news twice, never not at all.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Changes } from '../kernel/changes.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import { giveWay } from '../kernel/turn.ts'
import type { AppDirectory } from './app-directory.ts'
import { type Answer, Booking, type BookingDeps } from './booking.ts'
import type { AttemptOutcome, PendingDelivery } from './delivery.ts'
import type { Messenger } from './messenger.ts'

export interface DispatcherDeps extends Omit<BookingDeps, 'jitter'> {
  readonly messenger: Pick<Messenger, 'send'>
  readonly apps: AppDirectory
  readonly changes: Pick<Changes, 'watch'>
  readonly random: Random
  readonly limits: DispatcherLimits
  /** How often leases are renewed; tests, whose clock stands still, cannot wait for the usual time. */
  readonly heartbeatMs?: number
}

export interface DispatcherLimits {
  /** One attempt, from name look-up to answer, where the app does not set its own. */
  readonly timeoutMs: number
  /** Attempts in flight to one app, over all processes. */
  readonly perApp: number
  /** Attempts in flight in this process. */
  readonly atOnce: number
}

/** Attempts begun before others have their turn: signing and sending takes some 0.2 ms each. */
const launchedAtOnce = 16
/** A process that dies is missed for this long; one that lives renews three times within it. */
const leaseMs = 15_000
const usualHeartbeatMs = 5_000
/** What a messenger may take beyond its deadline before it is given up on. */
const messengerSlackMs = 1_000
/** Without a wake-up the store is looked at this often: a lease of a dead process may have run out. */
const maxSleepMs = 10_000
/** After a failure of the store, doubled with each more, up to `maxSleepMs`. */
const firstPauseMs = 250

export class Dispatcher {
  readonly #deps: DispatcherDeps
  readonly #booking: Booking
  /** Random per process: nobody takes back "its own" leases by a name that outlives it (DECISIONS 22). */
  readonly #node: string
  /** Claimed and not booked yet: what the heartbeat keeps. */
  readonly #held = new Map<string, PendingDelivery>()
  #life: 'new' | 'running' | 'stopping' = 'new'
  #attempts = 0
  #claiming: Promise<void> | undefined
  #claimAgain = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #stopWatching: (() => void) | undefined
  /** Settles when answers were booked, with the failure if they could not be. */
  #progress = Promise.withResolvers<unknown>()

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
    this.#node = deps.random.bytes(12).toString('base64url')
    const jitter = () => deps.random.bytes(4).readUInt32BE() / 2 ** 32
    this.#booking = new Booking({ ...deps, jitter }, (answers, failure) => this.#booked(answers, failure))
  }

  /** Begins to tell apps, and goes on until disposed. */
  start(): void {
    if (this.#life !== 'new') return
    this.#life = 'running'
    this.#stopWatching = this.#deps.changes.watch('deliveries', () => this.wake())
    this.wake()
  }

  /** Something may be due now. Cheap, and safe at any time. */
  wake(): void {
    if (this.#life !== 'running') return
    this.#claimDue().then(
      () => {
        this.#failures = 0
      },
      (error: unknown) => {
        this.#deps.log.warn('due deliveries could not be read; trying again', { error })
        this.#sleep(firstPauseMs * 2 ** Math.min(this.#failures++, 10))
      },
    )
  }

  /**
   * Tells everyone who is due at this instant of the clock and returns the number of attempts once all are booked. For tests, and
   * for verbs that run without a server. Throws when the store cannot answer.
   */
  async runDue(): Promise<number> {
    const before = this.#attempts
    for (;;) {
      const { promise: progress } = this.#progress
      await this.#claimDue()
      // An answer that was booked during the claim may have made something claimable that it did not see.
      if (this.#held.size === 0 && progress === this.#progress.promise) return this.#attempts - before
      const failure = await progress
      if (failure !== undefined) throw failure
    }
  }

  /** Lets attempts in flight come to their answers, for no longer than one may take, and hands back the leases that are left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life === 'stopping') return
    this.#life = 'stopping'
    this.#stopWatching?.()
    clearTimeout(this.#timer)
    await this.#claiming?.catch(() => {})
    const patience = new AbortController()
    const patienceMs = this.#deps.limits.timeoutMs + messengerSlackMs
    await Promise.race([
      this.#drained(),
      sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => {}),
    ])
    patience.abort()
    clearInterval(this.#heartbeat)
    this.#booking.close()
    await this.#release([...this.#held.values()])
  }

  async #drained(): Promise<void> {
    while (this.#held.size > 0) await this.#progress.promise
  }

  /** One claim at a time; whoever asks meanwhile gets another round and waits for that too. */
  #claimDue(): Promise<void> {
    if (this.#claiming === undefined) this.#claiming = this.#claimRounds()
    else this.#claimAgain = true
    return this.#claiming
  }

  async #claimRounds(): Promise<void> {
    try {
      for (;;) {
        this.#claimAgain = false
        const lookedForMs = await this.#claimRound()
        if (!this.#claimAgain) return
        // Everybody who ends a session and every answer asks for a round: those that come meanwhile share the next one. What was sent
        // has given way already, and whoever waits for the rest of their apps shall not wait as long again.
        await sleep(lookedForMs)
      }
    } finally {
      this.#claiming = undefined
    }
  }

  /** Begins whatever may begin now. Returns how long it took to find it, ms. */
  async #claimRound(): Promise<number> {
    const { logouts, clock, limits } = this.#deps
    let lookedForMs = 0
    for (;;) {
      const free = limits.atOnce - this.#held.size
      // Full: the next answer that is booked leads back here.
      if (free <= 0) return lookedForMs
      const now = clock.now()
      const began = performance.now()
      const claimed = await logouts.claim({
        node: this.#node,
        now,
        leaseUntil: now + leaseMs,
        limit: free,
        perApp: limits.perApp,
      })
      lookedForMs += performance.now() - began
      if (this.#life === 'stopping') {
        await this.#release(claimed)
        return lookedForMs
      }
      for (const [place, delivery] of claimed.entries()) {
        if (place > 0 && place % launchedAtOnce === 0) await giveWay()
        this.#launch(delivery)
      }
      if (claimed.length < free) break
    }
    // After the claim: what may be tried a last time is under lease by now.
    await this.#booking.giveUpOverdue()
    if (this.#life === 'running') {
      const now = clock.now()
      const nextDueAt = await logouts.nextDueAfter(now)
      this.#sleep(nextDueAt === undefined ? maxSleepMs : nextDueAt - now)
    }
    return lookedForMs
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#life !== 'running') return
    this.#timer = setTimeout(() => this.wake(), Math.min(ms, maxSleepMs)).unref()
  }

  #launch(claimed: PendingDelivery): void {
    this.#attempts++
    this.#held.set(leaseKey(claimed), claimed)
    this.#heartbeat ??= setInterval(
      () => void this.#renew(),
      this.#deps.heartbeatMs ?? usualHeartbeatMs,
    ).unref()
    const startedAt = this.#deps.clock.now()
    void this.#attempt(claimed).then((outcome) => {
      this.#deps.meter?.attempted(outcome)
      this.#booking.add({ claimed, startedAt, outcome })
    })
  }

  /** Always comes to an outcome: a messenger that throws or hangs costs its own delivery an attempt and nobody else anything. */
  async #attempt(claimed: PendingDelivery): Promise<AttemptOutcome> {
    const { messenger, apps, log, limits } = this.#deps
    const timeoutMs = apps.find(claimed.appId)?.logout.timeoutMs ?? limits.timeoutMs
    const began = performance.now()
    const failed = (reason: 'timeout' | 'failed-here', detail: string): AttemptOutcome => ({
      kind: 'unreachable',
      reason,
      detail,
      durationMs: Math.round(performance.now() - began),
    })
    const hung = Promise.withResolvers<AttemptOutcome>()
    const timer = setTimeout(
      () => hung.resolve(failed('timeout', 'the attempt did not come to an end')),
      timeoutMs + messengerSlackMs,
    )
    try {
      return await Promise.race([messenger.send(claimed, timeoutMs), hung.promise])
    } catch (error) {
      const { id, appId } = claimed
      log.error('the message to an app could not be made', { deliveryId: id, appId, error })
      return failed('failed-here', error instanceof GatewayError ? error.message : 'see the log')
    } finally {
      clearTimeout(timer)
    }
  }

  #booked(answers: readonly Answer[], failure: unknown): void {
    for (const { claimed } of answers) this.#held.delete(leaseKey(claimed))
    const { resolve } = this.#progress
    this.#progress = Promise.withResolvers()
    resolve(failure)
    if (answers.length > 0) this.wake()
  }

  async #renew(): Promise<void> {
    if (this.#held.size === 0) return
    try {
      const until = this.#deps.clock.now() + leaseMs
      await this.#deps.transaction.run(() => this.#deps.logouts.renew([...this.#held.values()], until))
    } catch (error) {
      this.#deps.log.warn('leases could not be renewed', { error })
    }
  }

  async #release(claimed: readonly PendingDelivery[]): Promise<void> {
    if (claimed.length === 0) return
    try {
      await this.#deps.logouts.release(claimed, this.#deps.clock.now())
    } catch (error) {
      this.#deps.log.warn('leases could not be handed back and will run out', { error })
    }
  }
}

function leaseKey({ id, attempts }: PendingDelivery): string {
  return `${id}/${attempts}`
}
