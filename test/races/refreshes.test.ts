import { describe, expect, test } from 'vitest'
import { codeFor, exchange, refresh } from '#test/support/oauth.ts'
import { type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'
import { forms } from './forms.ts'
import { allAlive, countAlive, refreshAtOnce } from './races.ts'

describe.for(forms)('one refresh token, used many times at once ($form)', ({ options }) => {
  test('N-052 50 refreshes are one family: all get the same successor, which works once more', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const race = await refreshAtOnce(target, 50)
    expect(race.successes).toBe(50)
    expect(race.successors).toHaveLength(1)

    const [successor = ''] = race.successors
    const next = await refresh(race.client, successor)
    expect(next.status).toBe(200)
    expect(next.body.refresh_token).not.toBe(successor)
    expect(await countAlive(race.client, [race.other])).toBe(allAlive)
  })

  test('N-051 showing it again once the successor was used revokes the whole family and no other', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const race = await refreshAtOnce(target, 5)
    const next = await refresh(race.client, race.successors[0] ?? '')

    const again = await refresh(race.client, race.used)
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await countAlive(race.client, [race.first, ...race.answers, next])).toBe(0)
    expect(await countAlive(race.client, [race.other])).toBe(allAlive)
    expect(await replaysOf(target)).toBe(1)
  })

  test('N-051 showing it again after the grace revokes the whole family and no other', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const race = await refreshAtOnce(target, 1)
    target.clock.advance({ seconds: 10 })

    const again = await refresh(race.client, race.used)
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await countAlive(race.client, [race.first, ...race.answers])).toBe(0)
    expect(await countAlive(race.client, [race.other])).toBe(allAlive)
    expect(await replaysOf(target)).toBe(1)
  })

  test('N-051 just before the grace is over the same successor is given again, and that is written down', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const race = await refreshAtOnce(target, 1)
    target.clock.advance({ ms: 9_999 })

    const again = await refresh(race.client, race.used)
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(race.successors[0])
    const given = await target.gateway.stores.audit.list({ types: ['refresh-token.given-again'], limit: 10 })
    expect(given).toHaveLength(1)
  })

  test('N-051 a successor that is used while its predecessor is shown again either wins or loses the family, and never forks it', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const [client] = target.clients
    if (client === undefined) throw new Error('no app')
    const { browser } = await target.signIn()
    for (let round = 0; round < 10; round++) {
      const first = await exchange(client, await codeFor(browser, client))
      const used = first.body.refresh_token ?? ''
      const successor = (await refresh(client, used)).body.refresh_token ?? ''
      const [next, again] = await Promise.all([refresh(client, successor), refresh(client, used)])
      const held = [next, again].flatMap(({ body }) => body.refresh_token ?? [])
      // Either both went through, and whoever was given the successor again holds one that is used; or the family is gone.
      const living = await countAlive(client, [next])
      if (again.status === 200) expect(held).toEqual([next.body.refresh_token, successor])
      else expect(living).toBe(0)
    }
  })
})

async function replaysOf({ gateway }: RaceGateway): Promise<number> {
  return (await gateway.stores.audit.list({ types: ['refresh-token.replayed'], limit: 10 })).length
}
