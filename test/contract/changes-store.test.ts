import { SqlChanges } from '#adapters/sql/changes.ts'
import { openSqlite } from '#adapters/sql/open.ts'
import { openTestDatabase, seededPause } from '#test/support/database.ts'
import { silentLog } from '#test/support/silent-log.ts'
import { describeChanges } from './changes-store.ts'

async function open(seed?: number) {
  const database = await openTestDatabase(seed === undefined ? {} : { seed })
  const second = await openSqlite({
    file: database.file,
    ...(seed === undefined ? {} : { pause: seededPause(seed + 1) }),
  })
  const [one, other] = [await SqlChanges.open(database, silentLog), await SqlChanges.open(second, silentLog)]
  return {
    one: { changes: one, transaction: database.transaction, poll: () => one.poll() },
    other: { changes: other, transaction: second.transaction, poll: () => other.poll() },
    [Symbol.asyncDispose]: async () => {
      one[Symbol.dispose]()
      other[Symbol.dispose]()
      await second.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

describeChanges('SQLite', () => open())
describeChanges('SQLite, waiting at random between statements', () => open(15))
