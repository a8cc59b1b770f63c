/**
 * A value compiled from the store, read synchronously and replaced as a whole when the store changed.
 *
 * Owns: when it is read again. Relies on: Changes. Never: loses the last good value because a read failed; it logs that and
 * tries again until one works, because what it holds may be an app that was disabled meanwhile.
 */
import type { Changes, ChangeTopic } from './changes.ts'
import { secondMs } from './clock.ts'
import type { Log } from './log.ts'

/** How soon a read that failed is tried again. */
const retryAfterMs = secondMs

export interface SnapshotOptions<Value> {
  readonly topic: ChangeTopic
  readonly changes: Changes
  readonly log: Log
  readonly read: () => Promise<Value>
}

export class Snapshot<Value> implements Disposable {
  readonly #options: SnapshotOptions<Value>
  readonly #listeners = new Set<() => void>()
  readonly #stopWatching: () => void
  #value: Value
  #reading: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #disposed = false

  /** Throws when the first read fails: without any value there is nothing to go on with. */
  static async open<Value>(options: SnapshotOptions<Value>): Promise<Snapshot<Value>> {
    return new Snapshot(options, await options.read())
  }

  private constructor(options: SnapshotOptions<Value>, first: Value) {
    this.#options = options
    this.#value = first
    this.#stopWatching = options.changes.watch(options.topic, () => void this.reload())
  }

  get value(): Value {
    return this.#value
  }

  /**
   * Resolves once a read that began after this call has ended. Never throws: when that read failed, the last value stays
   * and another try follows. Calls that come while one waits share it.
   */
  reload(): Promise<void> {
    if (this.#next === undefined) {
      this.#next = this.#reading.then(() => {
        this.#next = undefined
        this.#reading = this.#read()
        return this.#reading
      })
    }
    return this.#next
  }

  /** Calls `listener` whenever the value was replaced. Returns the way to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    clearTimeout(this.#retry)
    this.#stopWatching()
    this.#listeners.clear()
  }

  async #read(): Promise<void> {
    if (this.#disposed) return
    clearTimeout(this.#retry)
    try {
      this.#value = await this.#options.read()
    } catch (error) {
      this.#options.log.error('could not read again what changed; going on with what is known', {
        topic: this.#options.topic,
        error,
      })
      if (!this.#disposed) this.#retry = setTimeout(() => void this.reload(), retryAfterMs).unref()
      return
    }
    for (const listener of [...this.#listeners]) this.#tell(listener)
  }

  #tell(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#options.log.error('a listener failed', { topic: this.#options.topic, error })
    }
  }
}
