import { decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { agreed, agreedAt, believed, leave, renewed, startAway } from '#test/oidc/away.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { ask, claimsOf, refresh } from '#test/support/oauth.ts'

const scope = 'openid email offline_access'

describe('OpenID Connect Core 1.0, section 11: offline access', () => {
  test('offline_access without prompt=consent is ignored: nothing of it outlives the session', async () => {
    await using world = await startAway()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('wiki'), { scope }))
    expect(body).toMatchObject({ scope: 'openid email' })
    await leave(world)
    expect((await refresh(world.client('wiki'), body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })

  test('is given after the person was asked for it, each time anew, also by an app of ours', async () => {
    await using world = await startAway()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    for (let time = 0; time < 2; time++) {
      const asked = await opened(browser, client, { scope, prompt: 'consent' })
      expect(asked.answer).toBeUndefined()
      expect(asked.page.text).toContain('Keep its access while you are away')
      const denied = asked.went(await browser.submit(asked.page, { decision: 'deny' }))
      expect(denied.answer?.['error']).toBe('access_denied')
    }
    expect((await agreedAt(browser, client)).answer.body).toMatchObject({ scope })
  })

  test('is ignored for an app that gets no refresh tokens', async () => {
    await using world = await startAway({
      apps: { wiki: { oidc: { grant_types: ['authorization_code'] } } },
    })
    const { answer } = await agreed(world)
    expect(answer.body.refresh_token).toBeUndefined()
    expect(answer.body).toMatchObject({ scope: 'openid email' })
  })

  test('gives access to userinfo when the person is not present', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    const next = await renewed(held, held.renewal)
    const response = await fetch(held.client.endpoints.userinfo, {
      headers: { authorization: `Bearer ${next.access_token}` },
    })
    expect(await response.json()).toMatchObject({ sub: 'ada', email: 'ada@example.com' })
  })
})

describe('OpenID Connect Core 1.0, section 12.2: an ID token of a refresh after the session has ended', () => {
  test('has the iss, sub, aud, auth_time and acr of the sign-in, and a new iat', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const first = claimsOf(held.answer.body.id_token)
    await leave(world)
    world.clock.advance({ days: 2 })
    const { id_token: again = '' } = await renewed(held, held.renewal)
    const { iss, sub, aud, auth_time, acr, amr } = first
    expect(claimsOf(again)).toMatchObject({ iss, sub, aud, auth_time, acr, amr })
    expect(claimsOf(again)['iat']).toBe(Number(first['iat']) + 2 * 86_400)
    expect(decodeProtectedHeader(again).alg).toBe('ES256')
  })

  test('names no session: while it lived they had its sid (Back-Channel Logout 1.0 section 2.1)', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const during = await renewed(held, held.renewal)
    const { sid } = claimsOf(held.answer.body.id_token)
    expect(sid).toBeTypeOf('string')
    expect(claimsOf(during.id_token)['sid']).toBe(sid)
    await leave(world)
    let token = during.refresh_token ?? ''
    for (let time = 0; time < 2; time++) {
      const after = await renewed(held, token)
      expect(claimsOf(after.id_token)).not.toHaveProperty('sid')
      for (const shown of [after.access_token ?? '', after.refresh_token ?? '']) {
        const { body } = await ask(held.client, held.client.endpoints.introspect, { token: shown })
        expect(body).toMatchObject({ active: true, sub: 'ada' })
        expect(body).not.toHaveProperty('sid')
      }
      token = after.refresh_token ?? ''
    }
  })

  test('as a hint of who signs out ends nothing without a question: it belongs to no session', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    const { id_token: hint = '' } = await renewed(held, held.renewal)
    const browser = await world.signedIn()
    const query = new URLSearchParams({ id_token_hint: hint })
    const page = await browser.get(`${world.issuer}/oauth/end-session?${query}`)
    expect(page.text).toContain('<form')
    expect(await world.gateway.stores.sessions.countActive(9)).toBe(1)
  })
})

describe('Back-Channel Logout 1.0, section 2.7: refresh tokens at a logout', () => {
  test('without offline_access are revoked; with it they are not, for an app whose record says so', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const usual = (await redeemed(await opened(held.browser, held.client))).body
    await leave(world, 'app')
    expect(await believed(held, usual)).toEqual({ access: false, renewal: false })
    expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: true })
  })

  test('with offline_access are revoked all the same for an app whose record does not say so', async () => {
    await using world = await startAway()
    const held = await agreed(world, 'board')
    await leave(world, 'app')
    expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: false })
  })
})

describe('RFC 7009 and RFC 7662: tokens that outlived their session', () => {
  test('are revoked by the app itself, refresh token and what came of it', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    const next = await renewed(held, held.renewal)
    const revoke = `${world.issuer}/oauth/revoke`
    expect((await ask(world.client('board'), revoke, { token: next.refresh_token ?? '' })).status).not.toBe(
      500,
    )
    expect(await believed(held, next)).toEqual({ access: true, renewal: true })
    await ask(held.client, revoke, { token: next.refresh_token ?? '' })
    expect(await believed(held, next)).toEqual({ access: false, renewal: false })
  })

  test('are nobody else’s to use, or to ask about', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    const board = world.client('board')
    expect((await refresh(board, held.renewal)).body.error).toBe('invalid_grant')
    expect(await believed({ client: held.client }, held.answer.body)).toEqual({
      access: false,
      renewal: true,
    })
    const { body } = await ask(board, board.endpoints.introspect, { token: held.renewal })
    expect(body).toEqual({ active: false })
  })
})
