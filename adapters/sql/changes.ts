/**
 * Says what this and other processes changed in the shared database.
 *
 * Owns: the counters per topic and the poll. Relies on: `PRAGMA data_version`, which moves when another connection has committed,
 * so that a poll that finds nothing costs no query. Never: carries the change itself; whoever listens reads the store again.
 */
import { sql } from 'kysely'
import type { Changes, ChangeTopic } from '#gateway/kernel/changes.ts'
import type { Log } from '#gateway/kernel/log.ts'
import type { SqlDatabase } from './open.ts'

/** `key rotate`, `app disable` and the like beside a running server are felt within this. */
const pollEveryMs = 250

export class SqlChanges implements Changes, Disposable {
  readonly #database: SqlDatabase
  readonly #log: Log
  readonly #listeners = new Map<ChangeTopic, Set<() => void>>()
  #counters: ReadonlyMap<string, number>
  #dataVersion: number
  #polling: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  /** What was announced before this is known already: open it before reading anything it watches over. */
  static async open(database: SqlDatabase, log: Log): Promise<SqlChanges> {
    // The version first: what commits between the two reads is found by the next poll.
    const dataVersion = database.dataVersion()
    return new SqlChanges(database, log, dataVersion, await readCounters(database))
  }

  private constructor(
    database: SqlDatabase,
    log: Log,
    dataVersion: number,
    counters: ReadonlyMap<string, number>,
  ) {
    this.#database = database
    this.#log = log
    this.#dataVersion = dataVersion
    this.#counters = counters
  }

  /** Begins to look for what other processes commit. */
  start(): void {
    this.#timer ??= setInterval(() => void this.poll(), pollEveryMs).unref()
  }

  async announce(topic: ChangeTopic): Promise<void> {
    await this.#database
      .q()
      .insertInto('change_counters')
      .values({ topic, counter: 1 })
      .onConflict((conflict) =>
        conflict.column('topic').doUpdateSet({ counter: sql`change_counters.counter + 1` }),
      )
      .execute()
    this.#database.transaction.afterCommit(() => void this.#look())
  }

  watch(topic: ChangeTopic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Looks now for what other processes committed. Resolves when the listeners have been called. Never throws. */
  async poll(): Promise<void> {
    try {
      const dataVersion = this.#database.dataVersion()
      if (dataVersion === this.#dataVersion) return await this.#polling
      await this.#look()
      // Only a look that worked counts: otherwise the next poll tries again.
      this.#dataVersion = dataVersion
    } catch (error) {
      this.#log.warn('could not look for changes', { error })
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  /** One look at a time, in order, so that a slow one never reports what a later one has reported already. */
  #look(): Promise<void> {
    const look = this.#polling.then(() => this.#compare())
    this.#polling = look.catch((error: unknown) => this.#log.warn('could not look for changes', { error }))
    return look
  }

  async #compare(): Promise<void> {
    const before = this.#counters
    const now = await readCounters(this.#database)
    this.#counters = now
    for (const [topic, listeners] of this.#listeners) {
      if (now.get(topic) === before.get(topic)) continue
      for (const listener of [...listeners]) this.#call(topic, listener)
    }
  }

  #call(topic: ChangeTopic, listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#log.error('a listener failed', { topic, error })
    }
  }
}

async function readCounters(database: SqlDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await database.q().selectFrom('change_counters').selectAll().execute()
  return new Map(rows.map(({ topic, counter }) => [topic, counter]))
}
