/**
 * A process that tells apps, and nothing else: the dispatcher over the database in its first argument, to be killed, stopped and stalled.
 * App `app-7` is told at the URL in the second argument with `/7` at its end.
 */
import { HttpEgress } from '#adapters/egress-http.ts'
import { SqlChanges } from '#adapters/sql/changes.ts'
import { openSqlite } from '#adapters/sql/open.ts'
import { createStores } from '#adapters/sql/stores.ts'
import { systemClock } from '#adapters/system-clock.ts'
import { systemRandom } from '#adapters/system-random.ts'
import { createAuditTrail } from '#gateway/audit/trail.ts'
import { Dispatcher } from '#gateway/logout/dispatcher.ts'
import { silentLog } from '#test/support/silent-log.ts'

const [file = '', url = ''] = process.argv.slice(2)
const database = await openSqlite({ file })
const stores = createStores(database, 'default')
const egress = new HttpEgress({ allow: [], allowLoopback: true })
const changes = await SqlChanges.open(database, silentLog)
changes.start()
const dispatcher = new Dispatcher({
  logouts: stores.logouts,
  health: stores.health,
  // These apps have no time-out of their own.
  apps: { find: () => undefined },
  audit: createAuditTrail({ store: stores.audit, clock: systemClock }),
  transaction: database.transaction,
  changes,
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  limits: { timeoutMs: 5_000, perApp: 4, atOnce: 64 },
  messenger: {
    send: ({ appId, sid }, timeoutMs) =>
      egress.send({
        method: 'POST',
        url: `${url}/${appId.slice('app-'.length)}`,
        headers: {},
        body: sid,
        timeoutMs,
        maxBytes: 1_000,
        poolKey: appId,
      }),
  },
})
dispatcher.start()
// Nothing else keeps the process alive while it has nothing to do.
const alive = setInterval(() => {}, 60_000)
process.once('SIGTERM', () => {
  void (async () => {
    await dispatcher[Symbol.asyncDispose]()
    changes[Symbol.dispose]()
    await egress[Symbol.asyncDispose]()
    await database.close()
    clearInterval(alive)
    process.disconnect?.()
  })()
})
// A stall of the event loop, for so many ms.
process.on('message', (ms) => {
  const until = performance.now() + Number(ms)
  while (performance.now() < until);
})
process.send?.('ready')
