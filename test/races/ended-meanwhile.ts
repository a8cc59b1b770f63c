import { expect } from 'vitest'
import { type GatewaySession, type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { contestants, createMoments, type EndedMeanwhile, endMeanwhile } from './races.ts'

/** Sessions that race at the same time: enough to mix, few enough that each still has turns of its own. */
const atOnce = 10

/** Ends so many sessions while requests of each are in flight, and checks that nothing outlives any of them. */
export async function expectEndsToWin(interleavings: number, seed: number | undefined): Promise<void> {
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

  await expectNothingToOutlive(target, races)
}

/** Nothing outlived any of them, and the race was one. */
export async function expectNothingToOutlive(
  target: RaceGateway,
  races: readonly EndedMeanwhile<GatewaySession>[],
): Promise<void> {
  expect(races.filter(({ revived }) => revived)).toHaveLength(0)
  expect(races.filter(({ alive }) => alive > 0)).toHaveLength(0)
  expect(await neitherRefusedNorTold(target, races)).toEqual([])
  // The race was one: each kind of request came before the end in some interleavings and after it in others.
  const some = races.length / 200
  for (const contestant of contestants) {
    const went = races.flatMap(({ outcomes }) => outcomes.filter((of) => of.contestant === contestant))
    expect(went.filter((of) => of.went === 'through').length, contestant).toBeGreaterThan(some)
    expect(went.filter((of) => of.went === 'refused').length, contestant).toBeGreaterThan(some)
  }
}

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
