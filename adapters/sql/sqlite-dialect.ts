/**
 * Kysely on better-sqlite3, as the gateway needs it: one connection, one transaction at a time, every transaction a writer from
 * its first statement, and a short busy wait with an asynchronous retry so that a command-line verb writing beside the server
 * never blocks the event loop for long (DECISIONS 30).
 *
 * Relies on: better-sqlite3 being synchronous, so that a statement is never interleaved with another.
 * Never: decides when to commit; that is `transaction.ts`.
 */
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
import { isBusy, patienceMs, untilFree } from './busy.ts'
import { type OnStoreFailure, storeUnavailable, translateSqliteError } from './sqlite-errors.ts'

/** Distinct statements of the gateway are about 200; the bound keeps a generated one from filling memory. */
const maxCachedStatements = 500

export interface SqliteDialectOptions {
  readonly sqlite: Sqlite.Database
  /** Awaited before each statement: how tests put other requests between any two statements (DECISIONS 34). */
  readonly pause?: (() => Promise<void>) | undefined
  readonly onFailure?: OnStoreFailure | undefined
}

export class SqliteDialect implements Dialect {
  readonly #driver: OneConnectionDriver
  constructor(options: SqliteDialectOptions) {
    this.#driver = new OneConnectionDriver(options)
  }
  /**
   * Runs a single statement at once while nobody has the connection, without waiting for a turn. Undefined when somebody has it, or
   * another process holds the lock: then the statement must wait like every other.
   */
  runAtOnce<R>(query: CompiledQuery): QueryResult<R> | undefined {
    return this.#driver.isIdle ? this.#driver.connection.runAtOnce<R>(query) : undefined
  }
  /** Runs a statement of the transaction that has the connection now. */
  runAsHolder<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#driver.connection.executeQuery<R>(query)
  }
  createDriver(): Driver {
    return this.#driver
  }
  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }
  createAdapter(): DialectAdapter {
    return new OwnQueueAdapter()
  }
  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

class OwnQueueAdapter extends SqliteAdapter {
  /** SQLite does roll back schema changes; Kysely's adapter says otherwise and would leave half a migration behind. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
  /** One connection has one queue, and it is the driver's: in Kysely's own, which comes before it, patience has no end. */
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class OneConnectionDriver implements Driver {
  readonly connection: Connection
  readonly #onFailure: OnStoreFailure | undefined
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>()
  #taken = false

  constructor(options: SqliteDialectOptions) {
    this.connection = new Connection(options)
    this.#onFailure = options.onFailure
  }

  get isIdle(): boolean {
    return !this.#taken
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    // Patience counts from here, so that behind a lock that is held for long nobody waits for those before as well.
    const giveUpAt = performance.now() + patienceMs
    if (this.#taken) await this.#turn()
    this.#taken = true
    this.connection.giveUpAt = giveUpAt
    return this.connection
  }

  async releaseConnection(): Promise<void> {
    const [next] = this.#waiting
    if (next === undefined) this.#taken = false
    else next()
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const free = (): void => {
        this.#waiting.delete(free)
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(free)
        this.#onFailure?.('store_unavailable')
        reject(storeUnavailable())
      }, patienceMs)
      this.#waiting.add(free)
    })
  }

  /** Tried once. Whoever begins waits without the connection, so that a lock of another process stops who writes and not who reads. */
  async beginTransaction(): Promise<void> {
    await this.connection.begin()
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.connection.rollBack()
    await Promise.resolve(connection)
  }

  async destroy(): Promise<void> {
    this.connection.close()
  }
}

class Connection implements DatabaseConnection {
  readonly #sqlite: Sqlite.Database
  readonly #pause: (() => Promise<void>) | undefined
  readonly #onFailure: OnStoreFailure | undefined
  readonly #statements = new Map<string, Sqlite.Statement>()
  /** When whoever holds the connection has waited long enough for another process (of `performance.now()`). */
  giveUpAt = 0
  /** SQLite itself rolls back after some failures (a full disk, a broken read). What comes next must not be written alone. */
  #rolledBackItself = false

  constructor(options: SqliteDialectOptions) {
    this.#sqlite = options.sqlite
    this.#pause = options.pause
    this.#onFailure = options.onFailure
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#pause !== undefined) await this.#pause()
    if (this.#rolledBackItself) throw storeUnavailable()
    const inside = this.#sqlite.inTransaction
    try {
      // Inside a transaction the lock is ours already, so busy means `begin`, or a write outside one: safe to repeat whole.
      return await untilFree(
        () => this.#run<R>(query),
        this.giveUpAt,
        () => !this.#sqlite.inTransaction,
      )
    } catch (error) {
      this.#rolledBackItself = inside && !this.#sqlite.inTransaction
      throw translateSqliteError(error, this.#onFailure)
    }
  }

  /** Throws what SQLite throws, so that a busy database can be told from a transaction that failed. */
  async begin(): Promise<void> {
    if (this.#pause !== undefined) await this.#pause()
    this.#run(CompiledQuery.raw('begin immediate'))
  }

  /** Undefined when a statement may not run at once: where tests put others in between, or the lock is somebody else's. */
  runAtOnce<R>(query: CompiledQuery): QueryResult<R> | undefined {
    if (this.#pause !== undefined) return undefined
    try {
      return this.#run<R>(query)
    } catch (error) {
      if (isBusy(error)) return undefined
      throw translateSqliteError(error, this.#onFailure)
    }
  }

  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    yield* []
    throw new Error('Streaming would hold the only connection: read in keyset pages instead.')
  }

  /** A rollback has nothing to wait for, and SQLite has done it by itself after some errors. */
  rollBack(): void {
    this.#rolledBackItself = false
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
