/**
 * Chains the lines of the audit trail, signs the chain's end once a day, and forgets what is older than the trail is kept.
 *
 * Owns: the order of the chain. Relies on: AuditStore refusing a second sealer, so of two processes one does the work.
 * Never: takes part in a transaction that writes an event, and never forgets lines that no checkpoint vouches for. Before forgetting it
 * signs where the trail now begins, so that nobody without the key can cut off its beginning and call that forgetting.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, dayMs, hourMs, secondMs } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { giveWay } from '../kernel/turn.ts'
import { checkpointStatement, sealed, startOf, startStatement } from './chain.ts'
import type { AuditStore } from './store.ts'

/** Signs a statement; whoever holds the public half can check it without the gateway. */
export type SignStatement = (statement: string) => Promise<string>

export interface SealerDeps {
  readonly store: AuditStore
  readonly transaction: Transaction
  readonly clock: Clock
  readonly log: Log
  readonly sign: SignStatement
  /** How long lines are kept. */
  readonly keepMs: number
}

/** A line is chained this long after its commit at the latest, while the sealer keeps up. */
const tickMs = secondMs
/** Lines in one transaction: a few ms, between which others write. */
const sealedAtOnce = 200
const deletedAtOnce = 100
const checkpointEveryMs = dayMs
const forgetEveryMs = hourMs

export class Sealer implements AsyncDisposable {
  readonly #deps: SealerDeps
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #forgetAt = 0

  constructor(deps: SealerDeps) {
    this.#deps = deps
  }

  /** Seals once a second until disposed. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Seals everything there is, signs if a day has passed, and forgets what is old enough. For tests and for verbs without a server. */
  async runOnce(): Promise<void> {
    while ((await this.#sealSome()) === sealedAtOnce) await giveWay()
    await this.#checkpoint()
    await this.#forget()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.runOnce()
      } catch (error) {
        this.#deps.log.warn('the audit trail could not be sealed; trying again', { error })
      }
      await sleep(tickMs, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => {})
    }
  }

  async #sealSome(): Promise<number> {
    const { store, transaction } = this.#deps
    // Looked at outside a transaction first: most seconds have nothing to seal, and a transaction would make others wait for that.
    if ((await store.unsealed(1)).length === 0) return 0
    return transaction.run(async () => {
      const rows = await store.unsealed(sealedAtOnce)
      // A trail all of whose lines were forgotten goes on where it begins.
      const end = (await store.head()) ?? startOf(await store.checkpoints())
      await store.seal(sealed(end, rows))
      return rows.length
    })
  }

  async #checkpoint(): Promise<void> {
    const { store, clock, sign, transaction } = this.#deps
    const now = clock.now()
    const latest = await store.latestCheckpoint()
    if (latest !== undefined && now < latest.at + checkpointEveryMs) return
    const head = await store.head()
    if (head === undefined || head.position === latest?.position) return
    const checkpoint = { position: head.position, at: now, chain: head.chain }
    const signature = await sign(checkpointStatement(checkpoint))
    await transaction.run(() => store.insertCheckpoint({ ...checkpoint, signature }), { durable: true })
  }

  async #forget(): Promise<void> {
    const { store, clock, keepMs, sign, transaction } = this.#deps
    const now = clock.now()
    if (now < this.#forgetAt) return
    const before = now - keepMs
    // Every line up to a checkpoint is at least as old as the checkpoint.
    const upTo = (await store.checkpoints()).findLast(({ at }) => at <= before)
    if (upTo !== undefined) {
      if (upTo.startSignature === undefined) {
        const startSignature = await sign(startStatement(upTo))
        await transaction.run(() => store.insertStart(upTo.position, startSignature), { durable: true })
      }
      while ((await store.deleteUpTo(upTo.position, deletedAtOnce)) === deletedAtOnce) await giveWay()
    }
    this.#forgetAt = now + forgetEveryMs
  }
}
