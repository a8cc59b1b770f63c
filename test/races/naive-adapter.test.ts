/**
 * The same races against the engine over an adapter that trusts it. Each must be lost here at least once: a check that cannot fail
 * shows nothing.
 */
import { describe, expect, test } from 'vitest'
import { startBareProvider } from '#test/support/bare-provider.ts'
import { createBrowser } from '#test/support/browser.ts'
import { seededPause } from '#test/support/database.ts'
import { authorize, codeFor, exchange } from '#test/support/oauth.ts'
import type { RaceTarget } from '#test/support/race-gateway.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import {
  allAlive,
  countAlive,
  createMoments,
  endMeanwhile,
  openTwoAppsAtOnce,
  redeemAtOnce,
  refreshAtOnce,
} from './races.ts'

type NaiveTarget = RaceTarget & AsyncDisposable

describe('the engine over a naive adapter', () => {
  test('N-041 redeems one code many times', async () => {
    await using target = await startNaiveTarget()
    const race = await redeemAtOnce(target, 100)
    expect(race.successes).toBeGreaterThan(1)
  })

  test('N-052 forks a family of refresh tokens', async () => {
    await using target = await startNaiveTarget()
    const race = await refreshAtOnce(target, 50)
    expect(race.successors.length).toBeGreaterThan(1)
  })

  test('N-010 lets something outlive a session that ends while requests of it are in flight', async () => {
    await using target = await startNaiveTarget()
    const random = createSeededRandom('naive ends')
    const moments = createMoments()
    let lost = 0
    for (let race = 0; race < 300 && lost === 0; race++) {
      const { revived, alive } = await endMeanwhile(target, random, moments)
      if (revived || alive > 0) lost++
    }
    expect(lost).toBe(1)
  })

  test('ends sessions for good when nothing is in flight: it is the race that it loses', async () => {
    await using target = await startNaiveTarget()
    const [wiki] = target.clients
    if (wiki === undefined) throw new Error('no app')
    const { browser, end } = await target.signIn()
    const answer = await exchange(wiki, await codeFor(browser, wiki))
    expect(await countAlive(wiki, [answer])).toBe(allAlive)
    await end()
    expect(await authorize(browser, wiki, { prompt: 'none' })).toEqual({
      kind: 'error',
      error: 'login_required',
    })
    expect(await countAlive(wiki, [answer])).toBe(0)
  })

  test('loses one of two new apps that are opened at once', async () => {
    await using target = await startNaiveTarget()
    let lost = 0
    for (let round = 0; round < 50 && lost === 0; round++) {
      const { answers } = await openTwoAppsAtOnce(target)
      if (answers.some(({ status }) => status !== 200)) lost++
    }
    expect(lost).toBe(1)
  })
})

async function startNaiveTarget(): Promise<NaiveTarget> {
  const provider = await startBareProvider({ clientIds: ['wiki', 'board', 'door'], pause: seededPause(41) })
  const [wiki, board, door] = provider.clients
  if (wiki === undefined || board === undefined || door === undefined)
    throw new Error('three apps were named')
  let people = 0
  return {
    clients: [wiki, board],
    signIn: async () => {
      const accountId = `person-${people++}`
      const browser = createBrowser()
      provider.nextPerson(accountId)
      // A session begins at an app of its own, so that the racing apps are new to it.
      await codeFor(browser, door)
      provider.nextPerson(undefined)
      return { browser, end: () => provider.endSessionOf(accountId) }
    },
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  }
}
