import { createSecretKey, type KeyObject } from 'node:crypto'
import { SqlChanges } from '#adapters/sql/changes.ts'
import { createSqlKeyStore } from '#adapters/sql/keys.ts'
import { openSqlite } from '#adapters/sql/open.ts'
import type { AuditEvent } from '#gateway/audit/event.ts'
import type { Clock } from '#gateway/kernel/clock.ts'
import { Keyring } from '#gateway/keys/keyring.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { silentLog } from '#test/support/silent-log.ts'

export const someMasterKey: KeyObject = createSecretKey(Buffer.alloc(32, 1))

/** One process that has opened the keyring of the database in `file`. */
export async function openKeyring(of: {
  readonly file: string
  readonly clock: Clock
  readonly masterKey?: KeyObject
}) {
  const database = await openSqlite({ file: of.file })
  const changes = await SqlChanges.open(database, silentLog)
  const audited: AuditEvent[] = []
  const store = createSqlKeyStore(database, 'default')
  const close = async () => {
    changes[Symbol.dispose]()
    await database.close()
  }
  try {
    const keyring = await Keyring.open({
      store,
      transaction: database.transaction,
      changes,
      audit: async (event) => {
        audited.push(event)
      },
      clock: of.clock,
      random: createSeededRandom(of.file),
      log: silentLog,
      masterKey: of.masterKey ?? someMasterKey,
    })
    return {
      keyring,
      store,
      database,
      changes,
      audited,
      [Symbol.asyncDispose]: async () => {
        keyring[Symbol.dispose]()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
