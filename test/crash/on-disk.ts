import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/** What a gateway that was killed has left on its disk. */
export interface OnDisk {
  /** SQLite's own word: 'ok', or what is broken. */
  readonly integrity: string
  /** SsoSessions that nobody has ended. */
  readonly live: number
  /** Apps that are owed the news, or have it. */
  readonly deliveries: number
  readonly delivered: number
  readonly pending: number
  /** Deliveries that were in flight: an app may have heard of them without our knowing. */
  readonly leased: number
  /** Ways through a browser. */
  readonly journeys: number
  /** Ends of many that are not all marked yet. */
  readonly openJobs: number
  /** Tokens and codes that were not revoked with their session. */
  readonly tokens: number
}

/**
 * Reads a copy. Opening the files themselves would replay the write-ahead log, which is what the gateway's next start must do by
 * itself.
 */
export function readOnDisk(dataFolder: string): OnDisk {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-crash-'))
  try {
    for (const name of ['gatehouse.db', 'gatehouse.db-wal']) {
      const file = join(dataFolder, name)
      if (existsSync(file)) copyFileSync(file, join(folder, name))
    }
    const database = new Sqlite(join(folder, 'gatehouse.db'))
    try {
      const count = (what: string): number =>
        database.prepare<[], { n: number }>(`select count(*) as n from ${what}`).get()?.n ?? 0
      return {
        integrity: database.pragma('integrity_check', { simple: true }) as string,
        live: count('sso_sessions where ended_at is null'),
        deliveries: count('logout_deliveries'),
        delivered: count("logout_deliveries where state = 'delivered'"),
        pending: count("logout_deliveries where state = 'pending'"),
        leased: count("logout_deliveries where state = 'pending' and lease_by is not null"),
        journeys: count('logout_journeys'),
        openJobs: count('end_jobs where finished_at is null'),
        tokens: count("oidc_artifacts where kind != 'Grant'"),
      }
    } finally {
      database.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a running gateway still has to do: apps to tell, and ends of many to mark. */
export function countPending(dataFolder: string): number {
  const database = new Sqlite(join(dataFolder, 'gatehouse.db'), { readonly: true })
  try {
    const row = database
      .prepare<[], { n: number }>(`select (select count(*) from logout_deliveries where state = 'pending')
          + (select count(*) from end_jobs where finished_at is null) as n`)
      .get()
    return row?.n ?? 0
  } finally {
    database.close()
  }
}
