import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openTestDatabase } from '#test/support/database.ts'

describe('a transaction that SQLite rolls back by itself', () => {
  test('takes everything that comes after the failure with it, even from code that goes on', async () => {
    await using database = await openTestDatabase()
    const write = (verb: string, topic: string) =>
      sql`${sql.raw(verb)} into change_counters (topic, counter) values (${topic}, 1)`.execute(database.q())
    await write('insert', 'there')

    const work = database.transaction.run(async () => {
      await write('insert', 'before')
      await expect(write('insert or rollback', 'there')).rejects.toThrow('UNIQUE')
      await write('insert', 'after')
    })
    await expect(work).rejects.toMatchObject({ code: 'store_unavailable' })
    const topics = async () =>
      (await database.q().selectFrom('change_counters').select('topic').execute()).map(({ topic }) => topic)
    expect(await topics()).not.toContain('before')
    expect(await topics()).not.toContain('after')

    await database.transaction.run(() => write('insert', 'later'))
    expect(await topics()).toContain('later')
  })
})
