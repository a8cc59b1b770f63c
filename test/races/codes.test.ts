import { describe, expect, test } from 'vitest'
import { startRaceGateway } from '#test/support/race-gateway.ts'
import { forms } from './forms.ts'
import { allAlive, redeemAtOnce } from './races.ts'

describe.for(forms)('one code, redeemed many times at once ($form)', ({ options }) => {
  test('N-041 of 100 redemptions exactly one succeeds, and then nothing that came of the code lives', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const race = await redeemAtOnce(target, 100)
    expect(race).toEqual({ successes: 1, refusals: ['invalid_grant'], alive: 0, otherAlive: allAlive })
    const replays = await target.gateway.stores.audit.list({ types: ['code.replayed'], limit: 10 })
    expect(replays).toHaveLength(1)
  })

  test('N-041 two redemptions are enough: whichever comes second takes the tokens of the first with it', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    for (let round = 0; round < 10; round++) {
      const race = await redeemAtOnce(target, 2)
      expect(race).toEqual({ successes: 1, refusals: ['invalid_grant'], alive: 0, otherAlive: allAlive })
    }
  })
})
