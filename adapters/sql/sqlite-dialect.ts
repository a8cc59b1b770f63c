/**
 * Kysely on better-sqlite3, as the gateway needs it: one connection, one transaction at a time, every transaction a writer from
 * its first statement, and a short busy wait with an asynchronous retry so that a command-line verb writing beside the server
 * never blocks the event loop for long (DECISIONS 30).
 *
 * Relies on: better-sqlite3 being synchronous, so that a statement is never interleaved with another.
 * Never: decides when to commit; that is `transaction.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type Sqlite from 'better-sqlite3'
import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { translateSqliteError } from './sqlite-errors.ts'

/** Distinct statements of the gateway are about 200; the bound keeps a generated one from filling memory. */
const maxCachedStatements = 500
/** Another process holds the write lock for a few ms; 5 s of retries means something is wrong with it. */
const busyRetries = 100
const busyPauseMs = 50

export interface SqliteDialectOptions {
  readonly sqlite: Sqlite.Database
  /** Awaited before each statement: how tests put other requests between any two statements (DECISIONS 34). */
  readonly pause?: (() => Promise<void>) | undefined
}

export class SqliteDialect implements Dialect {
  readonly #options: SqliteDialectOptions
  constructor(options: SqliteDialectOptions) {
    this.#options = options
  }
  createDriver(): Driver {
    return new OneConnectionDriver(this.#options)
  }
  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }
  createAdapter(): DialectAdapter {
    return new TransactionalAdapter()
  }
  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

/** SQLite does roll back schema changes; Kysely's adapter says otherwise and would leave half a migration behind. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class OneConnectionDriver implements Driver {
  readonly #connection: Connection
  readonly #waiting: (() => void)[] = []
  #taken = false

  constructor(options: SqliteDialectOptions) {
    this.#connection = new Connection(options)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#taken) await new Promise<void>((free) => this.#waiting.push(free))
    this.#taken = true
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken = false
    else next()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.#connection.rollBack()
    await Promise.resolve(connection)
  }

  async destroy(): Promise<void> {
    this.#connection.close()
  }
}

class Connection implements DatabaseConnection {
  readonly #sqlite: Sqlite.Database
  readonly #pause: (() => Promise<void>) | undefined
  readonly #statements = new Map<string, Sqlite.Statement>()

  constructor(options: SqliteDialectOptions) {
    this.#sqlite = options.sqlite
    this.#pause = options.pause
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#pause !== undefined) await this.#pause()
    for (let attempt = 0; ; attempt++) {
      try {
        return this.#run<R>(query)
      } catch (error) {
        // Inside a transaction the lock is ours already, so busy means `begin`, or a write outside one: safe to repeat whole.
        if (!isBusy(error) || this.#sqlite.inTransaction || attempt >= busyRetries)
          throw translateSqliteError(error)
      }
      await sleep(busyPauseMs)
    }
  }

  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    yield* []
    throw new Error('Streaming would hold the only connection: read in keyset pages instead.')
  }

  /** A rollback has nothing to wait for, and SQLite has done it by itself after some errors. */
  rollBack(): void {
    if (this.#sqlite.inTransaction) this.#sqlite.exec('rollback')
  }

  close(): void {
    this.#statements.clear()
    this.#sqlite.close()
  }

  #run<R>(query: CompiledQuery): QueryResult<R> {
    const statement = this.#prepare(query.sql)
    if (statement.reader) return { rows: statement.all(...query.parameters) as R[] }
    const { changes, lastInsertRowid } = statement.run(...query.parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  #prepare(text: string): Sqlite.Statement {
    const cached = this.#statements.get(text)
    if (cached !== undefined) return cached
    const statement = this.#sqlite.prepare(text)
    if (this.#statements.size >= maxCachedStatements) this.#statements.clear()
    this.#statements.set(text, statement)
    return statement
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
