import { setTimeout as sleep } from 'node:timers/promises'
import { openOutbox } from './outbox.ts'
import { atMost, exactly, type Scenario } from './scenario.ts'

const held = 8
/** Longer than a lease; more would only be waited for. */
const stoppedForMs = 20_000
/** Its time-outs, which are long over, its answers and their booking. */
const awakeForMs = 2_000

export const stoppedWorker: Scenario = {
  id: 'R-25',
  title: 'a process is stopped (SIGSTOP) with attempts in hand, and goes on when another has told their apps',
  run: async () => {
    await using outbox = await openOutbox()
    outbox.app.behave('hang')
    const stopped = await outbox.startWorker()
    await outbox.owe({ logouts: 1, apps: held })
    await outbox.app.arrived(held)
    stopped.signal('SIGSTOP')
    const stoppedAt = performance.now()
    outbox.app.behave({ answer: 200 })
    await outbox.startWorker()
    await outbox.settled()
    const toldAfterMs = performance.now() - stoppedAt
    await sleep(Math.max(0, stoppedForMs - toldAfterMs))
    stopped.signal('SIGCONT')
    await sleep(awakeForMs)

    const health = await outbox.stores.health.list(1)
    return [
      atMost('another process has told their apps after', toldAfterMs / 1_000, 45, 's'),
      exactly(
        'answers that were overwritten',
        held - outbox.count("state = 'delivered' and attempts = 2"),
        0,
      ),
      exactly(
        'apps that its late time-outs spoke against',
        health.filter(({ reachability }) => reachability.failures > 0).length,
        0,
      ),
    ]
  },
}
