import { describe, expect, test } from 'vitest'
import { codeFor, exchange } from '#test/support/oauth.ts'
import { type GatewaySession, type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { forms } from './forms.ts'
import { contestants, createMoments, type EndedMeanwhile, endMeanwhile } from './races.ts'

/** Sessions that race at the same time: enough to mix, few enough that each still has turns of its own. */
const atOnce = 10

describe('N-010 a session that ends while requests of it are in flight', () => {
  test.for([
    { form: 'one statement after the other', seed: undefined, interleavings: 100 },
    { form: 'statements that await at random', seed: 10, interleavings: 1_000 },
  ])(
    'stays ended, and its apps are refused or told, in $interleavings interleavings ($form)',
    {
      timeout: 120_000,
    },
    async ({ seed, interleavings }) => {
      await using target = await startRaceGateway({
        ...(seed === undefined ? {} : { seed }),
        appIds: ['wiki', 'board'],
      })
      const random = createSeededRandom('ends')
      const moments = createMoments()
      const races: EndedMeanwhile<GatewaySession>[] = []
      while (races.length < interleavings) {
        races.push(
          ...(await Promise.all(Array.from({ length: atOnce }, () => endMeanwhile(target, random, moments)))),
        )
        await target.gateway.dispatcher.runDue()
      }

      expect(races.filter(({ revived }) => revived)).toHaveLength(0)
      expect(races.filter(({ alive }) => alive > 0)).toHaveLength(0)
      expect(await neitherRefusedNorTold(target, races)).toEqual([])
      // The race was one: each kind of request came before the end in some interleavings and after it in others.
      for (const contestant of contestants) {
        const went = races.flatMap(({ outcomes }) => outcomes.filter((of) => of.contestant === contestant))
        expect(went.filter((of) => of.went === 'through').length, contestant).toBeGreaterThan(5)
        expect(went.filter((of) => of.went === 'refused').length, contestant).toBeGreaterThan(5)
      }
    },
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

/** DECISIONS 14: an app that joined is told. Names the AppSessions that nobody ended or nobody told. */
async function neitherRefusedNorTold(
  target: RaceGateway,
  races: readonly EndedMeanwhile<GatewaySession>[],
): Promise<readonly string[]> {
  const told = new Set(target.toldSids())
  const forgotten: string[] = []
  for (const { session, outcomes } of races) {
    const appSessions = await target.gateway.stores.sessions.appSessionsOf([session.id], 'any')
    forgotten.push(
      ...appSessions
        .filter(({ ended, sid }) => ended === undefined || !told.has(sid))
        .map(({ appId, sid }) => `${appId} ${sid}`),
    )
    const opened = outcomes.some(
      ({ contestant, went }) => contestant === 'authorize-new' && went === 'through',
    )
    if (opened && !appSessions.some(({ appId }) => appId === 'board'))
      forgotten.push(`board has a code of ${session.id} and no AppSession`)
  }
  return forgotten
}
