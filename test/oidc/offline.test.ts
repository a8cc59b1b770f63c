import { describe, expect, test } from 'vitest'
import { refresh } from '#test/support/oauth.ts'
import { agreed, believed, keptOf, leave, leaving, renewed, startAway, taking } from './away.ts'
import { opened, redeemed } from './opening.ts'

describe('an app that keeps access while the person is away', () => {
  test.for(leaving)('has it after the end by %s, and its access token and code end', async (cause) => {
    await using world = await startAway()
    const held = await agreed(world)
    const pending = await opened(held.browser, held.client)
    await leave(world, cause)
    expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: true })
    expect((await redeemed(pending)).body.error).toBe('invalid_grant')
    const next = await renewed(held, held.renewal)
    expect(await believed(held, next)).toEqual({ access: true, renewal: true })
    expect(next).toMatchObject({ scope: 'openid email offline_access', expires_in: 600 })
  })

  test.for(taking)('has nothing left after the end by %s', async (cause) => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world, cause)
    expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: false })
    expect((await refresh(held.client, held.renewal)).body.error).toBe('invalid_grant')
    expect(await keptOf(world)).toEqual([])
  })

  test('keeps only what was granted with offline_access: other refresh tokens end with the session', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const usual = (await redeemed(await opened(held.browser, held.client))).body.refresh_token ?? ''
    await leave(world)
    expect((await refresh(held.client, usual)).body.error).toBe('invalid_grant')
    expect((await refresh(held.client, held.renewal)).status).toBe(200)
  })

  test('is one whose record says so: with any other, offline_access ends with the session', async () => {
    await using world = await startAway()
    const held = await agreed(world, 'board')
    await leave(world)
    expect((await refresh(held.client, held.renewal)).body.error).toBe('invalid_grant')
  })
})
