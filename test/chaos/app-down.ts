import { hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import { openEngine, signOut, tellUntilSettled } from '#test/logout/engine.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { atMost, exactly, quantile, type Scenario } from './scenario.ts'

const outages = 10
const peoplePerOutage = 50
const nowhere = 'http://127.0.0.1:9/'

export const appDown: Scenario = {
  id: 'R-03',
  title: `an app is down for an hour, ${outages} times, ${peoplePerOutage} people sign out meanwhile (clock moved by hand)`,
  run: async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: nowhere } } })
    const { clock, stores } = engine
    const { endSession, dispatcher } = await engine.openNode()
    const delays: number[] = []
    const drains: number[] = []
    let asked = 0
    for (let outage = 0; outage < outages; outage++) {
      engine.apps.set('wiki', { url: nowhere })
      const returnsAt = clock.now() + hourMs
      const logoutIds: Awaited<ReturnType<typeof signOut>>[] = []
      while (clock.now() < returnsAt) {
        // One more person every minute or so, beside what falls due.
        if (logoutIds.length < peoplePerOutage) logoutIds.push(await signOut(engine, endSession, ['wiki']))
        asked += await dispatcher.runDue()
        const next = (await stores.logouts.nextDueAfter(clock.now())) ?? returnsAt
        clock.advance({ ms: Math.min(next, returnsAt, clock.now() + minuteMs) - clock.now() })
      }
      engine.apps.set('wiki', { url: app.url })
      let drainMs = 0
      while ((await stores.logouts.countPending(1)) > 0) {
        const before = app.received.length
        const began = performance.now()
        await dispatcher.runDue()
        if (app.received.length > before) drainMs += performance.now() - began
        const next = await stores.logouts.nextDueAfter(clock.now())
        if (next !== undefined) clock.advance({ ms: next - clock.now() })
      }
      await tellUntilSettled(engine, dispatcher)
      drains.push(drainMs)
      for (const id of logoutIds) {
        const settledAt = (await stores.logouts.find(id))?.settledAt ?? Number.POSITIVE_INFINITY
        delays.push(settledAt - returnsAt)
      }
    }
    return [
      exactly('deliveries lost', outages * peoplePerOutage - app.received.length, 0),
      atMost('told after the return, at most', Math.max(...delays) / minuteMs, 15, 'min'),
      atMost('told after the return, median', quantile(delays, 0.5) / minuteMs, 8, 'min'),
      atMost('the whole queue after the probe that found it back', Math.max(...drains) / 1_000, 30, 's'),
      atMost('attempts in an hour of being down', asked / outages, 100, ''),
    ]
  },
}
