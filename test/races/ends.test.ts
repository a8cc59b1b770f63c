import { describe, expect, test } from 'vitest'
import { codeFor, exchange } from '#test/support/oauth.ts'
import { startRaceGateway } from '#test/support/race-gateway.ts'
import { expectEndsToWin } from './ended-meanwhile.ts'
import { forms } from './forms.ts'

describe('N-010 a session that ends while requests of it are in flight', () => {
  test(
    'stays ended, and its apps are refused or told, in 100 interleavings (one statement after the other)',
    {
      timeout: 60_000,
    },
    () => expectEndsToWin(100, undefined),
  )
})

describe.for(forms)('many ends of one session at once ($form)', ({ options }) => {
  test('are one Logout with one delivery for each app, and each app is told once', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki', 'board', 'mail'] })
    const session = await target.signIn()
    for (const client of target.clients) await exchange(client, await codeFor(session.browser, client))

    const results = await Promise.all(Array.from({ length: 20 }, () => session.end()))
    const logouts = await target.gateway.stores.logouts.list({ limit: 10 })
    expect(logouts).toMatchObject([{ ssoSessions: 1, appSessions: 3 }])
    expect(results.filter(({ logoutId }) => logoutId !== undefined)).toHaveLength(1)
    const deliveries = await target.gateway.stores.logouts.deliveriesOf(logouts.map(({ id }) => id))
    expect(deliveries.map(({ appId }) => appId).sort()).toEqual(['board', 'mail', 'wiki'])

    await target.gateway.dispatcher.runDue()
    expect(new Set(target.toldSids()).size).toBe(3)
    expect(target.toldSids()).toHaveLength(3)
  })
})
