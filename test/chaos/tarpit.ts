import { setTimeout as sleep } from 'node:timers/promises'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { createBrowser } from '#test/support/browser.ts'
import { ada } from '#test/support/two-apps.ts'
import { startGatewayWithApps, tarpitName } from './gateway-apps.ts'
import { atMost, exactly, quantile, type Scenario } from './scenario.ts'

/** 500 a minute. */
const everyMs = 120
const lastsMs = 25_000
/** Each person has been at the tarpit and at so many of the others. */
const othersEach = 4
const others = Array.from({ length: 49 }, (_, at) => `good-${at}`)

export const tarpit: Scenario = {
  id: 'R-04',
  title: 'an app that takes requests and never answers beside 49 that do, 500 sign-outs a minute',
  run: async () => {
    await using world = await startGatewayWithApps([tarpitName, ...others], {
      realTime: true,
      background: true,
    })
    const { gateway, heardAt, issuer } = world
    const people = Math.floor(lastsMs / everyMs)
    const prepared: Awaited<ReturnType<typeof world.signIn>>[] = []
    for (let person = 0; person < people; person++) {
      const visited = Array.from(
        { length: othersEach },
        (_, at) => others[(person * othersEach + at) % others.length] ?? '',
      )
      prepared.push(await world.signIn([tarpitName, ...visited]))
    }
    const browser = createBrowser()
    const page = await browser.get(`${issuer}/sign-in`)
    await browser.submit(page, { email: ada.email, password: ada.password }, { action: '/sign-in' })

    const delays: (() => number)[] = []
    const pages: number[] = []
    let openedAfterMs = Number.POSITIVE_INFINITY
    const began = performance.now()
    for (const [person, { session, sids }] of prepared.entries()) {
      await sleep(Math.max(0, began + person * everyMs - performance.now()))
      await gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
        kind: 'account',
        accountId: ada.id as AccountId,
      })
      const endedAt = performance.now()
      for (const sid of sids.slice(1))
        delays.push(() => (heardAt.get(sid) ?? Number.POSITIVE_INFINITY) - endedAt)
      const asked = performance.now()
      await browser.get(`${issuer}/sign-out`)
      pages.push(performance.now() - asked)
      if (openedAfterMs === Number.POSITIVE_INFINITY) {
        const [worst] = await gateway.appHealth.list()
        if (worst?.state === 'down') openedAfterMs = performance.now() - began
      }
    }
    await sleep(1_000)
    const told = delays.map((of) => of())
    return [
      exactly(
        'sign-outs that a good app did not hear of',
        told.filter((ms) => ms === Number.POSITIVE_INFINITY).length,
        0,
      ),
      atMost('good apps told after the end, 99th percentile', quantile(told, 0.99) / 1_000, 1, 's'),
      atMost('the page of a sign-out, 99th percentile', quantile(pages, 0.99), 300, 'ms'),
      atMost('connections to the tarpit at once', world.mostAtTarpit, 4, ''),
      atMost('the breaker of the tarpit is open after', openedAfterMs / 1_000, 30, 's'),
    ]
  },
}
