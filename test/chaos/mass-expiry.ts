import { setTimeout as sleep } from 'node:timers/promises'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { authorize, type Client, gatewayEndpoints } from '#test/support/oauth.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import { startGatewayWithApps } from './gateway-apps.ts'
import { atLeast, atMost, exactly, quantile, type Scenario } from './scenario.ts'

const expiring = 10_000
const apps = Array.from({ length: 100 }, (_, at) => `app-${at}`)
const urgent = 'urgent'
/** People who sign out, and open an app, while all this goes on. */
const everyMs = 100
const toldWithinMs = 90_000

export const massExpiry: Scenario = {
  id: 'R-10',
  title: `${expiring} sessions at ${apps.length} apps run out at once, while people sign out and open apps`,
  run: async () => {
    await using world = await startGatewayWithApps([...apps, urgent], { realTime: true })
    const { gateway, heardAt, issuer } = world
    const longAgo = gateway.config.sessions.idleMs + 60_000
    const sids: string[] = []
    for (let at = 0; at < expiring; at++)
      sids.push(...(await world.signIn([apps[at % apps.length] ?? urgent], longAgo)).sids)
    const browser = createBrowser()
    const page = await browser.get(`${issuer}/sign-in`)
    await browser.submit(page, { email: ada.email, password: ada.password }, { action: '/sign-in' })
    const client = clientOf(issuer, world.urlOf(urgent))
    const baseline: number[] = []
    for (let at = 0; at < 50; at++) baseline.push(await openApp(browser, client))

    gateway.start()
    const began = performance.now()
    const opened: number[] = []
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
      opened.push(await openApp(browser, client))
      await sleep(everyMs)
    }
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
      atMost(`opening an app with a live session, 99th percentile`, during, before * 2, 'ms'),
    ]
  },
}

function clientOf(issuer: string, url: string): Client {
  const { oidc } = declaredApp(urgent, url)
  return {
    issuer,
    clientId: urgent,
    clientSecret: oidc.client_secret,
    redirectUri: `${url}/callback`,
    endpoints: gatewayEndpoints(issuer),
  }
}

async function openApp(browser: Browser, client: Client): Promise<number> {
  const asked = performance.now()
  const outcome = await authorize(browser, client, { prompt: 'none' })
  if (outcome.kind !== 'code')
    throw new Error(`an app could not be opened: ${JSON.stringify(outcome).slice(0, 300)}`)
  return performance.now() - asked
}
