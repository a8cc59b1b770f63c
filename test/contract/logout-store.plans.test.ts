import Sqlite from 'better-sqlite3'
import type { RawBuilder } from 'kysely'
import { describe, expect, test } from 'vitest'
import { claimAcrossApps, claimEarliest, claimProbes, nextDue } from '#adapters/sql/logout-claim.ts'
import { openTestDatabase } from '#test/support/database.ts'

const of = { tenant: 'default', node: 'one', now: 2, leaseUntil: 3, limit: 64, perApp: 4 }

describe('claiming deliveries on SQLite', () => {
  test.for([
    ['by the earliest due', claimEarliest(of, 256)],
    ['app by app', claimAcrossApps(of, of.perApp)],
    ['of apps that are probed', claimProbes(of)],
  ] as const)('costs what is claimed and not what is stored: %s', async ([, statement]) => {
    const reads = await readsOf(statement)
    // The row to write is found by its key, and no read goes through deliveries that are settled or an app at a time.
    expect(reads[0]).toContain('sqlite_autoindex_logout_deliveries_1 (tenant=? AND id=?)')
    expect(
      reads.filter((read) => /SCAN logout_deliveries|INDEX logout_deliveries_of_logout/.test(read)),
    ).toEqual([])
    // Open breakers are found among the open ones, not among all apps.
    expect(reads.filter((read) => read.includes('app_health_') || read.includes('probed'))).not.toEqual([])
    expect(reads.filter((read) => /SCAN app_health/.test(read))).toEqual([])
  })

  test('when to look again is the first entry of each index, however much waits', async () => {
    const reads = await readsOf(nextDue('default', 2))
    expect(reads.filter((read) => /logout_deliveries|owed/.test(read))).toEqual([
      expect.stringContaining('logout_deliveries_due (tenant=? AND due_at>?)'),
      expect.stringMatching(/logout_deliveries_(app|give_up) \(tenant=\? AND app_id=\?\)/),
      expect.stringContaining('logout_deliveries_give_up (tenant=? AND app_id=? AND give_up_at>?)'),
    ])
    expect(reads.filter((read) => read.includes('SCAN'))).toEqual([])
  })
})

/** How SQLite will go through its tables, in its own words. */
async function readsOf(statement: RawBuilder<unknown>): Promise<readonly string[]> {
  await using database = await openTestDatabase()
  const { sql, parameters } = statement.compile(database.q())
  const sqlite = new Sqlite(database.file, { readonly: true })
  const plan = sqlite.prepare(`explain query plan ${sql}`).all(...parameters) as {
    readonly detail: string
  }[]
  sqlite.close()
  return plan.map(({ detail }) => detail).filter((detail) => /^(SEARCH|SCAN)/.test(detail))
}
