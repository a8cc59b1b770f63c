import { describe, expect, test } from 'vitest'
import { createStores } from '#adapters/sql/stores.ts'
import { type ClientMetadata, metadataDefaults } from '#gateway/apps/client-metadata.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { claimsOf, refresh, userinfoStatus } from '#test/support/oauth.ts'
import { bob, signInOn } from '#test/support/two-apps.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld } from './world.ts'

describe('the consent page of an app that is not ours', () => {
  test('names the app, its address, the person, and each thing that the app would be able to do', async () => {
    await using world = await startWorld()
    const { page } = await opened(await world.signedIn(), world.client('board'), {
      scope: 'openid email groups',
    })
    for (const words of [
      'Board wants to use your account',
      `127.0.0.1:${world.receiver.port}`,
      'You are signed in as Ada',
      'See your e-mail address',
      'See which groups you are in',
    ])
      expect(page.text).toContain(words)
    expect(page.text).not.toContain('See your name')
  })

  test('shows what the app asks for by single claims as well', async () => {
    await using world = await startWorld()
    const { page } = await opened(await world.signedIn(), world.client('board'), {
      scope: 'openid',
      claims: JSON.stringify({ userinfo: { groups: null }, id_token: { email: { essential: true } } }),
    })
    expect(page.text).toContain('See your e-mail address')
    expect(page.text).toContain('See which groups you are in')
    expect(page.text).not.toContain('See your name')
  })

  test('is shown once: what was agreed to is remembered, in the next session too', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const first = await opened(browser, world.client('board'))
    const allowed = first.went(await browser.submit(first.page, { decision: 'allow' }))
    expect((await redeemed(allowed)).status).toBe(200)
    expect((await opened(browser, world.client('board'))).answer?.['code']).toBeDefined()
    expect((await opened(await world.signedIn(), world.client('board'))).answer?.['code']).toBeDefined()
  })

  test('is shown again for what is new, and names only that', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const first = await opened(browser, world.client('board'), { scope: 'openid email' })
    await browser.submit(first.page, { decision: 'allow' })
    const more = await opened(browser, world.client('board'), { scope: 'openid email groups' })
    expect(more.page.text).toContain('See which groups you are in')
    expect(more.page.text).not.toContain('See your e-mail address')
    const allowed = more.went(await browser.submit(more.page, { decision: 'allow' }))
    expect((await redeemed(allowed)).body).toMatchObject({ scope: 'openid email groups' })
  })

  test('tells the app access_denied when the person does not agree, and asks again the next time', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const asked = await opened(browser, world.client('board'))
    const denied = asked.went(await browser.submit(asked.page, { decision: 'deny' }))
    expect(denied.answer).toMatchObject({ error: 'access_denied', state: 'the-state' })
    const again = await opened(browser, world.client('board'))
    expect(again.page.text).toContain('Board wants to use your account')
  })

  test('is not shown for an app of ours', async () => {
    await using world = await startWorld()
    const { answer } = await opened(await world.signedIn(), world.client('wiki'))
    expect(answer?.['code']).toBeDefined()
  })

  test('belongs to the person it was shown to: another one in this browser must start again', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const asked = await opened(browser, world.client('board'))
    world.clock.advance({ seconds: 1 })
    const switching = await opened(browser, world.client('wiki'), { prompt: 'select_account' })
    await signInOn(browser, switching.page, bob)
    const answer = await browser.submit(asked.page, { decision: 'allow' })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(await world.gateway.stores.consents.find('bob' as AccountId, 'board' as AppId)).toBeUndefined()
    expect(await world.gateway.stores.consents.find('ada' as AccountId, 'board' as AppId)).toBeUndefined()
  })

  test('belongs to its browser: a signed-in stranger cannot answer it', async () => {
    await using world = await startWorld()
    const asked = await opened(await world.signedIn(), world.client('board'))
    const stranger = await world.signedIn()
    expect((await stranger.submit(asked.page, { decision: 'allow' })).status).toBe(403)
    expect(await world.gateway.stores.consents.find('ada' as AccountId, 'board' as AppId)).toBeUndefined()
  })

  test('that is answered or opened again too late leads back to the app that asked', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { page } = await opened(browser, world.client('board'))
    world.clock.advance({ minutes: 10 })
    for (const late of [await browser.submit(page, { decision: 'allow' }), await browser.get(page.url)]) {
      expect(late.status).toBe(400)
      expect(late.text).toContain('This page has expired')
      expect(late.text).toContain(`href="http://127.0.0.1:${world.receiver.port}/board/"`)
      expect(late.text).toContain('Back to Board')
    }
    // A name that nobody was ever asked under leads to no app, and an app that is disabled is no place to go back to.
    const unknown = await browser.get(page.url.replace(/[^/]+$/, 'x'.repeat(21)))
    expect([unknown.status, unknown.text.includes('Back to')]).toEqual([400, false])
    await world.gateway.commands.apps.disable('board' as AppId, { kind: 'command-line' })
    expect((await browser.get(page.url)).text).not.toContain('Back to')
    expect(await world.gateway.stores.consents.find('ada' as AccountId, 'board' as AppId)).toBeUndefined()
  })

  test('belongs to its request: the token of one page answers no other', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const one = await opened(browser, world.client('board'), { scope: 'openid' })
    const two = await opened(browser, world.client('board'), { scope: 'openid groups' })
    const token = /name="csrf" value="([^"]+)"/.exec(one.page.text)?.[1] ?? ''
    expect((await browser.submit(two.page, { csrf: token, decision: 'allow' })).status).toBe(403)
  })

  test('takes an answer from our own page only', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { page } = await opened(browser, world.client('board'))
    const action = /action="(\/consent\/[^"]+)"/.exec(page.text)?.[1] ?? ''
    const fields = { csrf: /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '', decision: 'allow' }
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    expect((await browser.post(`${world.issuer}${action}`, fields, { headers })).status).toBe(403)
    const bogus = { ...fields, decision: 'perhaps' }
    expect((await browser.post(`${world.issuer}${action}`, bogus)).status).toBe(400)
  })
})

describe('what an app may have', () => {
  test('ends with the consent: taken back, the next refresh brings none of it', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('board')
    const asked = await opened(browser, client)
    const { body } = await redeemed(asked.went(await browser.submit(asked.page, { decision: 'allow' })))
    const { rewrites } = createStores(world.gateway.database, 'default')
    await rewrites.consents.forget('ada' as AccountId, 'board' as AppId)
    expect(await userinfoStatus(client, body.access_token ?? '')).not.toBe(200)
    expect((await refresh(client, body.refresh_token ?? '')).status).toBe(400)
  })

  test('never exceeds what its record allows, by single claims neither', async () => {
    await using world = await startWorld({ apps: { wiki: { oidc: { scope: 'openid email' } } } })
    const { body } = await redeemed(
      await opened(await world.signedIn(), world.client('wiki'), {
        scope: 'openid email',
        claims: JSON.stringify({ id_token: { groups: null }, userinfo: { groups: { essential: true } } }),
      }),
    )
    expect(claimsOf(body.id_token)).not.toHaveProperty('groups')
    const userinfo = await fetch(`${world.issuer}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    expect(await userinfo.json()).toEqual({ sub: 'ada', email: 'ada@example.com', email_verified: true })
  })

  test('is not asked of the person either when its record does not allow it', async () => {
    await using world = await startWorld({
      apps: { board: { app: { first_party: false }, oidc: { scope: 'openid email' } } },
    })
    const browser = await world.signedIn()
    const asked = await opened(browser, world.client('board'), {
      claims: JSON.stringify({ userinfo: { groups: null } }),
    })
    expect(asked.page.text).not.toContain('groups')
    const { body } = await redeemed(asked.went(await browser.submit(asked.page, { decision: 'allow' })))
    const userinfo = await fetch(`${world.issuer}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    expect(await userinfo.json()).not.toHaveProperty('groups')
  })

  test('shrinks with its record: what the operator took away is gone at the next refresh', async () => {
    await using world = await startWorld()
    const client = world.client('frame')
    const metadata: ClientMetadata = {
      ...metadataDefaults,
      redirect_uris: [client.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
    }
    const { apps } = world.gateway.commands
    const { app } = await apps.add(
      {
        id: 'frame',
        name: 'Frame',
        firstParty: false,
        access: { kind: 'everyone' },
        sessions: {},
        logout: { causes: 'all', appSignsOut: 'everywhere' },
        oidc: { secret: client.clientSecret, metadata },
      },
      { kind: 'command-line' },
    )
    const browser = await world.signedIn()
    const asked = await opened(browser, client, { scope: 'openid email groups' })
    const { body } = await redeemed(asked.went(await browser.submit(asked.page, { decision: 'allow' })))
    expect(body).toMatchObject({ scope: 'openid email groups' })
    const less = { ...app, oidc: { ...app.oidc, metadata: { ...metadata, scope: 'openid email' } } }
    await apps.change(app.id, less, { kind: 'command-line' })
    expect((await refresh(client, body.refresh_token ?? '')).body).toMatchObject({ scope: 'openid email' })
  })
})
