import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { claimAcrossApps, claimEarliest } from '#adapters/sql/logout-claim.ts'
import { openTestDatabase } from '#test/support/database.ts'

const of = { tenant: 'default', node: 'one', now: 2, leaseUntil: 3, limit: 64, perApp: 4 }

describe('claiming deliveries on SQLite', () => {
  test.for([
    ['by the earliest due', claimEarliest(of, 256)],
    ['app by app', claimAcrossApps(of)],
  ] as const)('costs what is claimed and not what is stored: %s', async ([, statement]) => {
    await using database = await openTestDatabase()
    const { sql, parameters } = statement.compile(database.q())
    const sqlite = new Sqlite(database.file, { readonly: true })
    const plan = sqlite.prepare(`explain query plan ${sql}`).all(...parameters) as {
      readonly detail: string
    }[]
    sqlite.close()

    const reads = plan.map(({ detail }) => detail).filter((detail) => /^(SEARCH|SCAN)/.test(detail))
    // The row to write is found by its key, and no read goes through deliveries that are settled or an app at a time.
    expect(reads[0]).toContain('sqlite_autoindex_logout_deliveries_1 (tenant=? AND id=?)')
    expect(
      reads.filter((read) => /SCAN logout_deliveries|INDEX logout_deliveries_of_logout/.test(read)),
    ).toEqual([])
  })
})
