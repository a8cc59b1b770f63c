import { describe, expect, test } from 'vitest'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { type GatewaySession, startRaceGateway } from '#test/support/race-gateway.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { expectNothingToOutlive } from './ended-meanwhile.ts'
import { createMoments, type EndedMeanwhile, endMeanwhile } from './races.ts'

const rounds = 60

describe('a session that ends with everybody’s while requests of it are in flight', () => {
  test('stays ended from that instant, before a batch has marked it, and its apps are refused or told (statements that await at random)', {
    timeout: 180_000,
  }, async () => {
    await using target = await startRaceGateway({ appIds: ['wiki', 'board'], seed: 61 })
    const { gateway, clock } = target
    const counts = { ssoSessions: 1, appSessions: 1, accounts: 1, apps: 1 }
    // Ends everything that this account has, the session that races among it, and leaves it to batches to mark it.
    const atOnce = {
      ...target,
      signIn: async (): Promise<GatewaySession> => ({
        ...(await target.signIn()),
        end: async () => {
          const where = { account: 'ada' as AccountId }
          const logoutId = await gateway.endMany.begin(where, counts, 'bulk', { kind: 'command-line' })
          return { logoutId, ssoSessionIds: [], appSessionIds: [], continues: true }
        },
      }),
    }
    const random = createSeededRandom('at once')
    const moments = createMoments()
    const races: EndedMeanwhile<GatewaySession>[] = []
    while (races.length < rounds) {
      races.push(await endMeanwhile(atOnce, random, moments))
      expect(await gateway.stores.endJobs.open()).toHaveLength(1)
      await gateway.endingJobs.runAll()
      // What nobody waits for is told when its turn has come.
      clock.advance({ seconds: 20 })
      await gateway.dispatcher.runDue()
    }
    await expectNothingToOutlive(target, races)
  })
})
