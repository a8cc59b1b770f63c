/**
 * Works off endings of many sessions: marks what has ended already for every reader, batch by batch, through the door (DECISIONS 23).
 *
 * Owns: the order in which sessions are marked, and when an ending is settled. Relies on: EndJobStore for what there is to do, the door's
 * batch for doing it. Never: decides what has ended; the transaction that committed the job did.
 *
 * The rows are the truth, so a crash costs nothing: the next process begins at the front and finds what is left. Two processes may work
 * on one job, since each session is marked by one of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { secondMs } from '../kernel/clock.ts'
import type { LogoutId } from '../kernel/ids.ts'
import { restAfter } from '../kernel/turn.ts'
import type { DirectSelector, SessionWhere } from '../sessions/ending.ts'
import type { SessionCursor } from '../sessions/store.ts'
import { type EndSessionDeps, endBatch, markedOf, revokeWhere } from './end-session.ts'
import type { KnownEndings } from './open-endings.ts'
import type { EndJob } from './store.ts'

export interface EndingJobsDeps extends Omit<EndSessionDeps, 'endings'> {
  readonly endings: KnownEndings
}

/**
 * Sessions marked in one transaction, of the 200 that the door allows: some 5 ms with three apps each. Requests wait behind every one
 * of thousands here, and nobody waits for these (DECISIONS 23).
 */
const markedAtOnce = 10
/**
 * Sessions looked at for them: conditions that few meet must not turn one step into a walk through everything. Where most meet them, no
 * more are looked at than can be marked.
 */
const lookedAtOnce = 1_000
/** After a failure, such as a store that cannot answer. */
const retryMs = secondMs

/** How far this process has come with one job. */
interface Walk {
  /** Absent at the front. */
  readonly after?: SessionCursor
  /** Marked since the front. */
  readonly marked: number
  /** Most of those looked at last were meant. */
  readonly dense?: true
}

interface Step {
  readonly ended: Awaited<ReturnType<typeof endBatch>>
  /** Absent when the job is finished. */
  readonly next?: Walk
}

const front: Walk = { marked: 0 }

export class EndingJobs implements AsyncDisposable {
  readonly #deps: EndingJobsDeps
  readonly #stopped = new AbortController()
  readonly #walks = new Map<LogoutId, Walk>()
  readonly #stopListening: () => void
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(deps: EndingJobsDeps) {
    this.#deps = deps
    this.#stopListening = deps.endings.onChange(() => this.#wake())
  }

  /** Works until disposed. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** One batch of each job. Returns how many sessions it marked. For tests. */
  async runOnce(): Promise<number> {
    let marked = 0
    for (const { logoutId, selector } of await this.#deps.jobs.open()) {
      const step = await this.#step(logoutId)
      if (step !== undefined) marked += markedOf(selector, step.ended)
    }
    return marked
  }

  /** Works until no job is left, or it is disposed. For tests and for verbs without a server. */
  async runAll(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const open = await this.#deps.jobs.open()
      if (open.length === 0) return
      // In turns, so that a small one does not wait for a large one.
      for (const { logoutId } of open) await this.#step(logoutId)
    }
  }

  /** One job to its end, whoever else works on it. */
  async settle(id: LogoutId, onProgress: (job: EndJob) => void = () => {}): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const step = await this.#step(id)
      const [job] = await this.#deps.jobs.of([id])
      if (job !== undefined) onProgress(job)
      if (step?.next === undefined) return
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening()
    this.#stopped.abort()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      try {
        await this.runAll()
        // Also when another process has finished the last one: what it knows is as new as the latest change.
        await woken
      } catch (error) {
        this.#deps.log.warn('ending many sessions has failed for now; it goes on', { error })
        await sleep(retryMs, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => {})
      }
    }
  }

  /** One batch, and then as long a rest as it took: whoever signs in meanwhile has half of the time. */
  async #step(id: LogoutId): Promise<Step | undefined> {
    const began = performance.now()
    const step = await this.#batch(id, this.#walks.get(id) ?? front)
    if (step?.next === undefined) this.#walks.delete(id)
    else {
      this.#walks.set(id, step.next)
      await restAfter(began)
    }
    return step
  }

  /**
   * Undefined when it is finished, by another process perhaps. Without a flush: the job is on disk, and what a power cut takes back, it takes from
   * the end, so the next process finds the job open and marks it again (DECISIONS 31).
   */
  #batch(id: LogoutId, walk: Walk): Promise<Step | undefined> {
    const { transaction, jobs, changes, clock } = this.#deps
    return transaction.run(async () => {
      const job = await jobs.hold(id)
      if (job === undefined) return undefined
      const { selector } = job
      const step =
        selector.kind === 'where'
          ? await this.#walkOn(job, selector.where, walk)
          : await this.#takeNext(job, selector)
      const marked = markedOf(selector, step.ended)
      if (marked > 0) await jobs.progress(id, marked)
      if (step.next === undefined) {
        await jobs.finish(id, clock.now())
        await changes.announce('sessions')
      }
      return step
    })
  }

  async #takeNext(job: EndJob, selector: DirectSelector): Promise<Step> {
    const ended = await endBatch(this.#deps, selector, ofJob(job))
    const nothing = markedOf(selector, ended) === 0 && ended.offline.length === 0
    return nothing ? { ended } : { ended, next: front }
  }

  /** On from where the last batch stopped. It is finished when a walk from the front to the end has found nothing. */
  async #walkOn(job: EndJob, where: SessionWhere, walk: Walk): Promise<Step> {
    const limit = walk.dense === true ? markedAtOnce : lookedAtOnce
    const { matched, next } = await this.#deps.sessions.walk(where, {
      startedBy: job.epochAt,
      limit,
      ...(walk.after === undefined ? {} : { after: walk.after }),
    })
    const chosen = matched.slice(0, markedAtOnce)
    const ended =
      chosen.length === 0
        ? nobody
        : await endBatch(
            this.#deps,
            { kind: 'sso-sessions', ids: chosen.map((session) => session.id) },
            ofJob(job),
          )
    const marked = walk.marked + ended.ssoSessions.length
    const last = chosen.at(-1)
    const after = matched.length > chosen.length && last !== undefined ? last : next
    const dense = matched.length * 2 >= limit ? ({ dense: true } as const) : {}
    if (after !== undefined) return { ended, next: { after, marked, ...dense } }
    const sawAll = walk.after === undefined || marked === 0
    if (!sawAll) return { ended, next: front }
    const offline = await revokeWhere(this.#deps, job)
    return offline.length === 0 ? { ended } : { ended: { ...ended, offline }, next: front }
  }
}

const nobody = { ssoSessions: [], appSessions: [], offline: [], browserNeeded: false } as const

function ofJob({ logoutId, cause, actor, epochAt }: EndJob) {
  return { logoutId, cause, actor, at: epochAt, startedBy: epochAt, paced: true }
}
