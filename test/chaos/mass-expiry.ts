import { setTimeout as sleep } from 'node:timers/promises'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { ada } from '#test/support/two-apps.ts'
import { startGatewayWithApps } from './gateway-apps.ts'
import { startPersonApart } from './processes.ts'
import { atLeast, atMost, exactly, quantile, type Scenario } from './scenario.ts'

const expiring = 10_000
const apps = Array.from({ length: 100 }, (_, at) => `app-${at}`)
const urgent = 'urgent'
const baselineMs = 10_000
/** Somebody signs out this often while all this goes on; another person opens an app twice as often. */
const everyMs = 100
const toldWithinMs = 90_000

export const massExpiry: Scenario = {
  id: 'R-10',
  title: `${expiring} sessions at ${apps.length} apps run out at once, while people sign out and open apps`,
  run: async () => {
    await using world = await startGatewayWithApps([...apps, urgent], { realTime: true, apart: true })
    const { gateway, heardAt, issuer } = world
    const longAgo = gateway.config.sessions.idleMs + 60_000
    const sids: string[] = []
    for (let at = 0; at < expiring; at++)
      sids.push(...(await world.signIn([apps[at % apps.length] ?? urgent], longAgo)).sids)
    await using person = await startPersonApart('open', {
      issuer,
      appId: urgent,
      appUrl: world.urlOf(urgent),
    })
    person.forget()
    await sleep(baselineMs)
    const baseline = await person.took()

    person.forget()
    gateway.start()
    const began = performance.now()
    const signedOut: { readonly sid: string; readonly endedAt: number }[] = []
    const missing = (): number => sids.reduce((sum, sid) => sum + (heardAt.has(sid) ? 0 : 1), 0)
    while (missing() > 0 && performance.now() - began < toldWithinMs) {
      const {
        session,
        sids: [sid = ''],
      } = await world.signIn([urgent])
      await gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
        kind: 'account',
        accountId: ada.id as AccountId,
      })
      signedOut.push({ sid, endedAt: performance.now() })
      await sleep(everyMs)
    }
    const opened = await person.took()
    await sleep(1_000)
    const last = Math.max(...sids.map((sid) => heardAt.get(sid) ?? Number.POSITIVE_INFINITY))
    const delays = signedOut.map(
      ({ sid, endedAt }) => (heardAt.get(sid) ?? Number.POSITIVE_INFINITY) - endedAt,
    )
    const [before, during] = [quantile(baseline, 0.99), quantile(opened, 0.99)]
    return [
      exactly('ends that no app heard of', missing(), 0),
      atLeast('told, sweeping and spreading included', expiring / ((last - began) / 1_000), 300, '/s'),
      atMost(
        'a person who signs out meanwhile: told, 99th percentile',
        quantile(delays, 0.99) / 1_000,
        1,
        's',
      ),
      atMost(
        `opening an app, 99th percentile (median ${quantile(opened, 0.5).toFixed(1)} ms)`,
        during,
        before * 2,
        'ms',
      ),
    ]
  },
}
