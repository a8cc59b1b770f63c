import { describe, expect, test } from 'vitest'
import type { SqlDatabase } from '#adapters/sql/open.ts'
import { dayMs, minuteMs } from '#gateway/kernel/clock.ts'
import { type AppId, newId } from '#gateway/kernel/ids.ts'
import type { Journey, JourneyStore } from '#gateway/logout/journey-store.ts'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { aDelivery, aLogout, noon } from '#test/logout/builders.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

export interface JourneyWorld extends AsyncDisposable {
  readonly database: SqlDatabase
  readonly journeys: JourneyStore
  readonly logouts: LogoutStore
}

const random = createSeededRandom('journey store')

function aJourney(more: Partial<Journey> = {}): Journey {
  return {
    logoutId: newId('logout', random),
    browserHash: 'browser-a',
    startedAt: noon,
    expiresAt: noon + dayMs,
    ...more,
  }
}

/** What every JourneyStore does. */
export function journeyStoreContract(engine: string, open: () => Promise<JourneyWorld>): void {
  describe(`JourneyStore on ${engine}`, () => {
    test('keeps a journey as it was given, with and without what is optional', async () => {
      await using world = await open()
      const plain = aJourney()
      const full = aJourney({ appId: 'wiki' as AppId, continueTo: 'https://wiki.test/bye?state=1' })
      await world.journeys.insert(plain)
      await world.journeys.insert(full)
      expect(await world.journeys.find(plain.logoutId)).toEqual(plain)
      expect(await world.journeys.find(full.logoutId)).toEqual(full)
      expect(await world.journeys.find(newId('logout', random))).toBeUndefined()
    })

    test('commits with the transaction it is in, or not at all', async () => {
      await using world = await open()
      const journey = aJourney()
      await expect(
        world.database.transaction.run(async () => {
          await world.journeys.insert(journey)
          throw new Error('rolled back')
        }),
      ).rejects.toThrow('rolled back')
      expect(await world.journeys.find(journey.logoutId)).toBeUndefined()
    })

    test('finds the newest journey on which this browser has an app left to tell', async () => {
      await using world = await open()
      const carry = async (startedAt: number, browserHash = 'browser-a') => {
        const logout = aLogout({ startedAt })
        const until = startedAt + 10 * minuteMs
        const delivery = aDelivery({
          logoutId: logout.id,
          channel: 'front-channel',
          progress: { dueAt: until, giveUpAt: until },
        })
        await world.logouts.insert(logout, [delivery])
        await world.journeys.insert(aJourney({ logoutId: logout.id, browserHash, startedAt }))
        return { id: logout.id, delivery }
      }
      const first = await carry(noon)
      const second = await carry(noon + minuteMs)
      const others = await carry(noon + 2 * minuteMs, 'browser-b')
      // One that needs no browser is none to come back to.
      const told = aLogout()
      await world.logouts.insert(told, [aDelivery({ logoutId: told.id })])
      await world.journeys.insert(aJourney({ logoutId: told.id, startedAt: noon + 3 * minuteMs }))

      const openOf = async (browser: string, at: number) =>
        (await world.journeys.findOpen(browser, at))?.logoutId
      expect(await openOf('browser-a', noon + 4 * minuteMs)).toBe(second.id)
      expect(await openOf('browser-b', noon + 4 * minuteMs)).toBe(others.id)
      expect(await openOf('browser-c', noon + 4 * minuteMs)).toBeUndefined()
      await world.logouts.markSent(second.id, [second.delivery.id], noon + 4 * minuteMs)
      expect(await openOf('browser-a', noon + 4 * minuteMs)).toBe(first.id)
      expect(await openOf('browser-a', noon + 10 * minuteMs)).toBeUndefined()
    })

    test('deletes what has expired, in steps', async () => {
      await using world = await open()
      const old = [
        aJourney({ expiresAt: noon }),
        aJourney({ expiresAt: noon }),
        aJourney({ expiresAt: noon }),
      ]
      const young = aJourney()
      for (const journey of [...old, young]) await world.journeys.insert(journey)
      expect(await world.journeys.deleteExpired(noon, 2)).toBe(2)
      expect(await world.journeys.deleteExpired(noon, 2)).toBe(1)
      expect(await world.journeys.deleteExpired(noon, 2)).toBe(0)
      expect(await world.journeys.find(young.logoutId)).toEqual(young)
    })
  })
}
