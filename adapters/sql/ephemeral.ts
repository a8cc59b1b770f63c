/**
 * Short-lived state in a SQLite file of its own, on a connection of its own.
 *
 * Owns: its table, its expiry, its sweep. Never: joins a transaction of the main database, because a rolled-back `take`
 * would hand a challenge back to be used twice (DECISIONS 28).
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Clock, secondMs } from '#gateway/kernel/clock.ts'
import type { Ephemeral } from '#gateway/kernel/ephemeral.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import { busyTimeoutMs, patienceMs, untilFree } from './busy.ts'
import { explainOpenError, type OnStoreFailure, translateSqliteError } from './sqlite-errors.ts'

export interface EphemeralFile extends Ephemeral, AsyncDisposable {
  /** Deletes up to 100 expired entries; returns how many. Runs by itself too. */
  sweep(): Promise<number>
}

export interface OpenEphemeralOptions {
  readonly file: string
  readonly clock: Clock
  /** Awaited before and after each statement (tests only, DECISIONS 34). */
  readonly pause?: () => Promise<void>
  readonly onFailure?: OnStoreFailure
}

/** The longest that anything here may be: an interaction with its request, or sign-in options. */
const maxValueBytes = 64 * 1024
/** A delete of so many rows takes well under a millisecond. */
const sweepRows = 100
const sweepEveryMs = 10 * secondMs
/** While whole batches expire, the sweep goes on after this, so that a burst of entries does not stay for hours. */
const sweepAgainMs = 50

const schema = `
  create table if not exists ephemeral (
    space text not null, id text not null, value text, count integer not null default 0, expires_at integer not null,
    primary key (space, id)) strict, without rowid;
  create index if not exists ephemeral_expiry on ephemeral (expires_at)`

/** Opens the file, making it and its folder when missing. It may be deleted while the gateway is down: that costs sign-ins in flight. */
export function openEphemeral(options: OpenEphemeralOptions): EphemeralFile {
  return new SqliteEphemeral(options)
}

class SqliteEphemeral implements EphemeralFile {
  readonly #sqlite: Sqlite.Database
  readonly #statements: ReturnType<typeof prepareAll>
  readonly #clock: Clock
  readonly #pause: (() => Promise<void>) | undefined
  readonly #onFailure: OnStoreFailure | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor({ file, clock, pause, onFailure }: OpenEphemeralOptions) {
    this.#clock = clock
    this.#pause = pause
    this.#onFailure = onFailure
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      this.#sqlite = new Sqlite(file, { timeout: busyTimeoutMs })
      this.#sqlite.pragma('journal_mode = WAL')
      this.#sqlite.pragma('synchronous = NORMAL')
      this.#sqlite.exec(schema)
      this.#statements = prepareAll(this.#sqlite)
    } catch (error) {
      throw explainOpenError(
        file,
        error,
        'It holds nothing but sign-ins in progress: delete it, then start again.',
      )
    }
    this.#sweepIn(sweepEveryMs)
  }

  async put(space: string, id: string, value: unknown, ttlMs: number): Promise<void> {
    const entry = { space, id, value: serialize(value), expiresAt: this.#expiry(ttlMs) }
    await this.#run(() => this.#statements.put.run(entry))
  }

  async get(space: string, id: string): Promise<unknown | undefined> {
    const row = await this.#run(() => this.#statements.get.get({ space, id }))
    return this.#valueOf(row)
  }

  async take(space: string, id: string): Promise<unknown | undefined> {
    const row = await this.#run(() => this.#statements.take.get({ space, id }))
    return this.#valueOf(row)
  }

  async add(space: string, id: string, value: unknown, ttlMs: number): Promise<boolean> {
    const text = serialize(value)
    const added = await this.#run(() =>
      this.#statements.add.run({
        space,
        id,
        value: text,
        expiresAt: this.#expiry(ttlMs),
        now: this.#clock.now(),
      }),
    )
    return added.changes === 1
  }

  async hit(space: string, id: string, windowMs: number, by = 1): Promise<{ count: number; endsAt: number }> {
    const endsAt = this.#expiry(windowMs)
    if (!Number.isSafeInteger(by)) throw new RangeError('A counter moves by whole numbers.')
    const row = await this.#run(() => {
      const hit = { space, id, by, endsAt, now: this.#clock.now() }
      return by > 0 ? this.#statements.hit.get(hit) : this.#statements.refund.get(hit)
    })
    // A refund that comes after its window ended has nothing to give back and starts no new window.
    return row === undefined ? { count: 0, endsAt } : { count: row.count, endsAt: row.expires_at }
  }

  async sweep(): Promise<number> {
    const swept = await this.#run(() =>
      this.#statements.sweep.run({ now: this.#clock.now(), limit: sweepRows }),
    )
    return swept.changes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#sqlite.close()
  }

  #valueOf(row: ValueRow | undefined): unknown | undefined {
    if (row === undefined || row.value === null || row.expires_at <= this.#clock.now()) return undefined
    return JSON.parse(row.value)
  }

  #expiry(ttlMs: number): number {
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1) {
      throw new RangeError('An entry lives for at least 1 ms, in whole milliseconds.')
    }
    return this.#clock.now() + ttlMs
  }

  /** Each statement is a transaction of its own; busy means that another process commits right now. */
  async #run<Result>(statement: () => Result): Promise<Result> {
    if (this.#pause !== undefined) await this.#pause()
    try {
      const result = await untilFree(() => this.#open(statement), performance.now() + patienceMs)
      if (this.#pause !== undefined) await this.#pause()
      return result
    } catch (error) {
      throw translateSqliteError(error, this.#onFailure)
    }
  }

  #open<Result>(statement: () => Result): Result {
    if (this.#closed) throw new GatewayError('store_unavailable', 'The gateway is stopping. Try again.')
    return statement()
  }

  #sweepIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#sweepAndGoOn(), ms).unref()
  }

  async #sweepAndGoOn(): Promise<void> {
    // A sweep that fails is tried again at the next tick: entries are checked for expiry whenever they are read.
    const swept = await this.sweep().catch(() => 0)
    if (!this.#closed) this.#sweepIn(swept === sweepRows ? sweepAgainMs : sweepEveryMs)
  }
}

interface Key {
  readonly space: string
  readonly id: string
}
interface Entry extends Key {
  readonly value: string
  readonly expiresAt: number
}
interface Hit extends Key {
  readonly by: number
  readonly endsAt: number
  readonly now: number
}
interface ValueRow {
  readonly value: string | null
  readonly expires_at: number
}
interface CountRow {
  readonly count: number
  readonly expires_at: number
}

function prepareAll(sqlite: Sqlite.Database) {
  return {
    put: sqlite.prepare<Entry>(`
      insert into ephemeral (space, id, value, expires_at) values (:space, :id, :value, :expiresAt)
      on conflict (space, id) do update set value = excluded.value, count = 0, expires_at = excluded.expires_at`),
    get: sqlite.prepare<Key, ValueRow>(
      'select value, expires_at from ephemeral where space = :space and id = :id',
    ),
    take: sqlite.prepare<Key, ValueRow>(
      'delete from ephemeral where space = :space and id = :id returning value, expires_at',
    ),
    add: sqlite.prepare<Entry & { readonly now: number }>(`
      insert into ephemeral (space, id, value, expires_at) values (:space, :id, :value, :expiresAt)
      on conflict (space, id) do update set value = excluded.value, count = 0, expires_at = excluded.expires_at
      where ephemeral.expires_at <= :now`),
    hit: sqlite.prepare<Hit, CountRow>(`
      insert into ephemeral (space, id, count, expires_at) values (:space, :id, :by, :endsAt)
      on conflict (space, id) do update set
        count = case when expires_at <= :now then :by else count + :by end,
        expires_at = case when expires_at <= :now then :endsAt else expires_at end
      returning count, expires_at`),
    refund: sqlite.prepare<Hit, CountRow>(`
      update ephemeral set count = case when count + :by < 0 then 0 else count + :by end
      where space = :space and id = :id and expires_at > :now
      returning count, expires_at`),
    sweep: sqlite.prepare<{ readonly now: number; readonly limit: number }>(`
      delete from ephemeral where (space, id) in
        (select space, id from ephemeral where expires_at <= :now order by expires_at limit :limit)`),
  }
}

function serialize(value: unknown): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('Only JSON values can be kept.')
  if (Buffer.byteLength(text) > maxValueBytes) {
    throw new GatewayError('payload_too_large', 'That is too large to be kept.')
  }
  return text
}
