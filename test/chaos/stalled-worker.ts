import { openOutbox } from './outbox.ts'
import { atMost, exactly, type Scenario } from './scenario.ts'

export const stalledWorker: Scenario = {
  id: 'R-20',
  title: 'an event loop that stalls for 2 s, and a process that is killed with attempts in hand',
  run: async () => {
    await using outbox = await openOutbox()
    await outbox.owe({ logouts: 40, apps: 50 })
    const owed = outbox.count('true')
    const stalling = await outbox.startWorker()
    const other = await outbox.startWorker()
    stalling.stall(2_000)
    await outbox.settled()
    const twiceAfterStall = outbox.app.received.length - owed
    await other.end('SIGTERM')

    // The app takes its time: what the process has in hand when it dies is known.
    outbox.app.behave('hang')
    await outbox.owe({ logouts: 1, apps: 4 })
    await outbox.app.arrived(owed + 4)
    await stalling.end('SIGKILL')
    const killedAt = performance.now()
    outbox.app.behave({ answer: 200 })
    await outbox.startWorker()
    await outbox.settled()
    return [
      exactly('deliveries lost', owed + 4 - outbox.heardOf(), 0),
      exactly('told twice because of a stall shorter than a lease', twiceAfterStall, 0),
      atMost(
        'another process has told what the dead one held after',
        (performance.now() - killedAt) / 1_000,
        45,
        's',
      ),
    ]
  },
}
