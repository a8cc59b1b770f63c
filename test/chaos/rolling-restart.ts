import { setTimeout as sleep } from 'node:timers/promises'
import { openOutbox } from './outbox.ts'
import { atLeast, atMost, exactly, type Scenario } from './scenario.ts'

const restarts = 4

export const rollingRestart: Scenario = {
  id: 'R-18',
  title: 'two processes stopped in turns by SIGTERM, 10,000 deliveries under way',
  run: async () => {
    await using outbox = await openOutbox()
    await outbox.owe({ logouts: 100, apps: 100 })
    const owed = outbox.count('true')
    const workers = [await outbox.startWorker(), await outbox.startWorker()]
    const drains: number[] = []
    for (let restart = 0; restart < restarts; restart++) {
      await sleep(200)
      const stopping = workers.shift()
      workers.push(await outbox.startWorker())
      const began = performance.now()
      await stopping?.end('SIGTERM')
      drains.push(performance.now() - began)
    }
    const left = outbox.count("state = 'pending'")
    await outbox.settled()
    return [
      exactly('deliveries lost', owed - outbox.heardOf(), 0),
      exactly('told twice', outbox.app.received.length - outbox.heardOf(), 0),
      atMost('longest drain of a process', Math.max(...drains) / 1_000, 20, 's'),
      atLeast('left to tell when the last one stopped: it was under way', left, 1, ''),
    ]
  },
}
