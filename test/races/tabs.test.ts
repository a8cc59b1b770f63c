import { describe, expect, test } from 'vitest'
import { startRaceGateway } from '#test/support/race-gateway.ts'
import { forms } from './forms.ts'
import { allAlive, countAlive, openOneAppTwice, openTwoAppsAtOnce } from './races.ts'

const rounds = 10

describe.for(forms)('two tabs of one browser ($form)', ({ options }) => {
  test('opening two new apps at once succeeds at both, and both are told of the sign-out', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki', 'board'] })
    const expected: unknown[] = []
    for (let round = 0; round < rounds; round++) {
      const race = await openTwoAppsAtOnce(target)
      expect(race.answers.map(({ status }) => status)).toEqual([200, 200])
      expect(new Set(race.sids).size).toBe(2)
      expected.push(...race.sids)
      await race.end()
    }
    await target.gateway.dispatcher.runDue()
    expect([...target.toldSids()].sort()).toEqual([...expected].sort())
  })

  test('opening the same new app at once succeeds in both, with one AppSession and one sid, told once', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    for (let round = 0; round < rounds; round++) {
      const race = await openOneAppTwice(target)
      expect(race.answers.map(({ status }) => status)).toEqual([200, 200])
      expect(new Set(race.sids).size).toBe(1)
      expect(await countAlive(race.client, race.answers)).toBe(2 * allAlive)
      await race.end()
      await target.gateway.dispatcher.runDue()
      expect(target.toldSids().slice(round)).toEqual([race.sids[0]])
    }
  })
})
