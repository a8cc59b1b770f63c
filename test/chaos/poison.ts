import { minuteMs } from '#gateway/kernel/clock.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { openEngine, signOut } from '#test/logout/engine.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { atMost, exactly, type Scenario } from './scenario.ts'

const people = 200

export const poison: Scenario = {
  id: 'R-11',
  title: `an app whose message can never be made, beside another, ${people} sign-outs of both (clock moved by hand)`,
  run: async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { poison: { url: app.url }, wiki: { url: app.url } } })
    const { endSession, dispatcher } = await engine.openNode({
      messenger: {
        send: (delivery, timeoutMs) => {
          if (delivery.appId === ('poison' as AppId)) throw new TypeError('no such key')
          return engine.messenger.send(delivery, timeoutMs)
        },
      },
    })
    for (let person = 0; person < people; person++) await signOut(engine, endSession, ['poison', 'wiki'])
    const began = performance.now()
    const attempts = await dispatcher.runDue()
    const took = performance.now() - began
    let later = 0
    for (const until = engine.clock.now() + 60 * minuteMs; engine.clock.now() < until; ) {
      const next = (await engine.stores.logouts.nextDueAfter(engine.clock.now())) ?? until
      engine.clock.advance({ ms: Math.min(next, until) - engine.clock.now() })
      later += await dispatcher.runDue()
    }
    const [worst] = await engine.health.list()
    return [
      exactly('the other app was not told', people - app.received.length, 0),
      atMost('the other app is told within', took / 1_000, 10, 's'),
      atMost('attempts before the app is isolated', attempts - people, 9, ''),
      atMost('attempts in the hour after', later, 60, ''),
      {
        what: 'what operators read',
        measured: worst?.state ?? 'nothing',
        criterion: `down: ${worst?.reason ?? ''}`,
        holds: worst?.appId === 'poison' && worst.reason === 'the message could not be made',
      },
    ]
  },
}
