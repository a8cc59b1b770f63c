import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite, type SqlDatabase } from '#adapters/sql/open.ts'
import { createSeededRandom, seededFraction } from './seeded-random.ts'

export type TestDatabase = SqlDatabase & AsyncDisposable & { readonly folder: string; readonly file: string }

/**
 * A real SQLite database in a folder of its own. With `seed`, statements await at random between one another, so that parallel
 * requests interleave as they do on a database that answers over a network (DECISIONS 34).
 */
export async function openTestDatabase(options: { readonly seed?: number } = {}): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  const file = join(folder, 'gatehouse.db')
  const database = await openSqlite({
    file,
    ...(options.seed === undefined ? {} : { pause: seededPause(options.seed) }),
  })
  return {
    ...database,
    folder,
    file,
    [Symbol.asyncDispose]: async () => {
      await database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Gives way to other work zero to three turns of the event loop, as the seed says. */
export function seededPause(seed: number): () => Promise<void> {
  const random = createSeededRandom(seed)
  return async () => {
    for (let turns = Math.floor(seededFraction(random) * 4); turns > 0; turns--) {
      await new Promise<void>((next) => setImmediate(next))
    }
  }
}
