import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type CompiledQuery, Kysely, type QueryResult } from 'kysely'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import { registerAddressWithin } from './address-within.ts'
import { busyTimeoutMs, patienceMs, untilFree } from './busy.ts'
import { migrateToLatest } from './migrate.ts'
import type { Schema } from './schema.ts'
import { SqliteDialect } from './sqlite-dialect.ts'
import { explainOpenError, type OnStoreFailure, translateSqliteError } from './sqlite-errors.ts'
import { createTransactionScope } from './transaction.ts'

export interface SqlDatabase {
  readonly transaction: Transaction
  /** The handle for one statement; a store asks for it anew each time and never keeps it. */
  q(): Kysely<Schema>
  /** Runs a compiled statement where `q` would, without building anything. */
  execute<R>(query: CompiledQuery<R>): Promise<QueryResult<R>>
  /** Grows whenever another process has committed: a wake-up, never the truth. */
  dataVersion(): number
  /** Throws GatewayError `store_unavailable` when the database cannot answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface OpenSqliteOptions {
  readonly file: string
  /** Awaited before each statement (tests only, DECISIONS 34). */
  readonly pause?: () => Promise<void>
  /** False leaves the schema as it is, for `gatehouse migrate status`. */
  readonly migrate?: boolean
  readonly reportError?: (error: unknown) => void
  readonly onFailure?: OnStoreFailure
}

/** 64 MiB of page cache keeps the hot indexes of a hundred thousand sessions in memory. */
const cacheKiB = 64 * 1024

/**
 * Opens the embedded database, makes its folder and brings its schema up to date.
 * WAL survives kill -9 at any point; `synchronous` is NORMAL and FULL around durable transactions (DECISIONS 31).
 */
export async function openSqlite(options: OpenSqliteOptions): Promise<SqlDatabase> {
  const sqlite = openFile(options.file)
  const dialect = new SqliteDialect({ sqlite, pause: options.pause, onFailure: options.onFailure })
  const database = new Kysely<Schema>({ dialect })
  const scope = createTransactionScope(
    database,
    (durable) => sqlite.pragma(`synchronous = ${durable ? 'FULL' : 'NORMAL'}`),
    (attempt) => whileBusy(attempt, options.onFailure),
    options.reportError ?? (() => {}),
  )
  try {
    if (options.migrate !== false) await whileBusy(() => migrateToLatest(database))
  } catch (error) {
    await database.destroy()
    throw explainOpenError(options.file, error)
  }
  return {
    transaction: scope.transaction,
    q: scope.q,
    execute: async (query) =>
      scope.isInside()
        ? dialect.runAsHolder(query)
        : (dialect.runAtOnce(query) ?? database.executeQuery(query)),
    dataVersion: () => sqlite.pragma('data_version', { simple: true }) as number,
    ping: async () => {
      await scope.q().selectFrom('change_counters').select('topic').limit(1).execute()
    },
    close: () => database.destroy(),
  }
}

/** Only a `begin` is repeated here: what fails inside a transaction is no longer SQLite's own error by the time it gets this far. */
async function whileBusy<T>(attempt: () => Promise<T>, onFailure?: OnStoreFailure): Promise<T> {
  try {
    return await untilFree(attempt, performance.now() + patienceMs)
  } catch (error) {
    throw translateSqliteError(error, onFailure)
  }
}

function openFile(file: string): Sqlite.Database {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const sqlite = new Sqlite(file, { timeout: busyTimeoutMs })
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = NORMAL')
    sqlite.pragma('foreign_keys = ON')
    sqlite.pragma(`cache_size = -${cacheKiB}`)
    sqlite.pragma('temp_store = MEMORY')
    registerAddressWithin(sqlite)
    return sqlite
  } catch (error) {
    throw explainOpenError(file, error)
  }
}
