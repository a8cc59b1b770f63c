import type { AuditEventType } from './event.ts'

/** One line of the trail before it is stored. Texts are JSON, made once, so that what is hashed is what is stored. */
export interface NewAuditRow {
  readonly at: number
  readonly type: AuditEventType
  readonly actor: string
  /** Id of what the line is about, to find it by: an account where there is one, else an app or a key. */
  readonly subject: string
  readonly detail: string
  /** Of the request that caused it, as error pages show it. */
  readonly requestId?: string
}

export interface AuditRow extends NewAuditRow {
  readonly seq: number
  /** Place in the chain, from 1 without gaps; absent until the sealer has come by. */
  readonly position?: number
  readonly chain?: string
}

export interface SealedRow extends AuditRow {
  readonly position: number
  readonly chain: string
}

/** A signed statement that the chain up to `position` is `chain`. */
export interface AuditCheckpoint {
  readonly position: number
  readonly at: number
  readonly chain: string
  readonly signature: string
  /** A second signed statement: everything up to here was forgotten on purpose. The trail begins behind it. */
  readonly startSignature?: string
}

export interface AuditFilter {
  readonly types?: readonly AuditEventType[]
  readonly subject?: string
  readonly since?: number
  readonly until?: number
  /** At most 200. */
  readonly limit: number
  /** Only lines before this `seq`: where the page before ended. */
  readonly before?: number
}

/** The trail as stored. Rows are inserted by whoever writes what they tell of, chained afterwards by one sealer (DECISIONS 29). */
export interface AuditStore {
  /** Inside the caller's transaction. */
  insert(rows: readonly NewAuditRow[]): Promise<void>
  /** Newest first. */
  list(filter: AuditFilter): Promise<readonly AuditRow[]>

  /** The end of the chain; undefined while nothing is sealed. */
  head(): Promise<SealedRow | undefined>
  /** The oldest rows without a place in the chain. */
  unsealed(limit: number): Promise<readonly AuditRow[]>
  /**
   * Gives rows their places. Call it in a transaction with `head` and `unsealed`. Throws, so that all of it rolls back, when another
   * sealer has taken a row or a place: of two at once one wins and the chain has one end.
   */
  seal(rows: readonly SealedRow[]): Promise<void>
  /** Sealed rows from `position` on, in order. */
  sealedFrom(position: number, limit: number): Promise<readonly SealedRow[]>

  insertCheckpoint(checkpoint: AuditCheckpoint): Promise<void>
  /** Keeps the statement that the trail begins behind this checkpoint. Before anything is deleted. */
  insertStart(position: number, startSignature: string): Promise<void>
  latestCheckpoint(): Promise<AuditCheckpoint | undefined>
  /** In order of position. One a day for as long as the trail is kept: hundreds. */
  checkpoints(): Promise<readonly AuditCheckpoint[]>
  /**
   * Deletes up to `limit` of the oldest sealed rows up to `position`, and then the checkpoints before it. Returns how many rows.
   */
  deleteUpTo(position: number, limit: number): Promise<number>
}
