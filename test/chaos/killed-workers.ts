import { setTimeout as sleep } from 'node:timers/promises'
import { openOutbox } from './outbox.ts'
import { atMost, exactly, type Scenario } from './scenario.ts'

const kills = 4
/** Attempts that one process has in flight, at most: so many may be told twice when it is killed. */
const inFlight = 64

export const killedWorkers: Scenario = {
  id: 'R-08',
  title: 'four processes on one database, 10,000 deliveries, one process killed after another and replaced',
  run: async () => {
    await using outbox = await openOutbox()
    await outbox.owe({ logouts: 100, apps: 100 })
    const owed = outbox.count('true')
    const began = performance.now()
    const workers = await Promise.all([1, 2, 3, 4].map(() => outbox.startWorker()))
    for (let kill = 0; kill < kills; kill++) {
      await sleep(700)
      await workers.shift()?.end('SIGKILL')
      workers.push(await outbox.startWorker())
    }
    await outbox.settled()
    const took = performance.now() - began

    const twice = outbox.app.received.length - outbox.heardOf()
    return [
      exactly('deliveries lost', owed - outbox.heardOf(), 0),
      exactly(
        'deliveries that are recorded as anything but delivered',
        outbox.count("state != 'delivered'"),
        0,
      ),
      atMost(
        `told twice, for ${kills} processes killed with up to ${inFlight} in hand`,
        twice,
        kills * inFlight,
        '',
      ),
      exactly('told twice although no process died', outbox.count('attempts > 2'), 0),
      atMost('all told after, with leases of the dead to wait for', took / 1_000, 60, 's'),
    ]
  },
}
