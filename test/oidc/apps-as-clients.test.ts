import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { createBrowser } from '#test/support/browser.ts'
import { ask, claimsOf, exchange, isActive, refresh, userinfoStatus } from '#test/support/oauth.ts'
import { bob, signInOn } from '#test/support/two-apps.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld, type World } from './world.ts'

const operator = { kind: 'command-line' } as const
const stored = (world: World): string =>
  readdirSync(join(world.folder, 'data'))
    .map((file) => readFileSync(join(world.folder, 'data', file), 'latin1'))
    .join('\n')

describe('secrets in the database', () => {
  test('are nowhere: no client secret, cookie, code or token, and no password', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const pending = await opened(browser, client)
    const { body } = await redeemed(await opened(browser, client))
    const cookie = browser.cookiesFor(world.issuer).get(world.gateway.cookieNames.session)
    const secrets = {
      clientSecret: client.clientSecret,
      cookie,
      code: pending.answer?.['code'],
      access: body.access_token,
      refresh: body.refresh_token,
      password: 'correct horse battery',
    }
    const everything = stored(world)
    expect(everything).toContain('wiki')
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret, name).toBeDefined()
      expect(everything.includes(secret ?? ''), name).toBe(false)
    }
    expect(world.logLines.map((line) => JSON.stringify(line)).join('\n')).not.toContain(secrets.cookie)
  })
})

describe('a disabled app', () => {
  test('is refused everywhere, and what it held is dead', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const pending = await opened(browser, client)
    const { body } = await redeemed(await opened(browser, client))
    await world.gateway.commands.apps.disable('wiki' as AppId, operator)

    const page = (await opened(browser, client)).page
    expect([page.status, page.url.startsWith(world.issuer)]).toEqual([400, true])
    const code = { code: pending.answer?.['code'] ?? '', verifier: pending.verifier }
    expect((await exchange(client, code)).body.error).toBe('invalid_client')
    expect((await refresh(client, body.refresh_token ?? '')).body.error).toBe('invalid_client')
    expect((await ask(client, client.endpoints.introspect, { token: 'x' })).body.error).toBe('invalid_client')
    expect(await userinfoStatus(client, body.access_token ?? '')).toBe(401)
    const out = await browser.get(`${world.issuer}/oauth/end-session?id_token_hint=${body.id_token}`)
    expect(out.status).toBe(400)
  })

  test('while its person is at the sign-in page stops them there, and says so on our page', async () => {
    await using world = await startWorld()
    const browser = createBrowser()
    const asked = await opened(browser, world.client('wiki'))
    await world.gateway.commands.apps.disable('wiki' as AppId, operator)
    const stopped = asked.went(await signInOn(browser, asked.page, bob))
    expect(stopped.answer).toBeUndefined()
    expect(stopped.page.status).toBe(404)
    expect(stopped.page.text).toContain('This app is no longer available')
  })
})

describe('pairwise subjects (OpenID Connect Core 1.0, section 8.1)', () => {
  const pairwise = { oidc: { subject_type: 'pairwise' } }

  test('stay the same for one app and differ between apps, and are not the account', async () => {
    await using world = await startWorld({ apps: { one: pairwise, two: pairwise, open: {} } })
    const subjectAt = async (id: string, person?: typeof bob) => {
      const opening = await opened(await world.signedIn(person), world.client(id))
      return claimsOf((await redeemed(opening)).body.id_token)['sub']
    }
    const first = await subjectAt('one')
    expect(await subjectAt('one')).toBe(first)
    const all = [first, await subjectAt('two'), await subjectAt('one', bob), await subjectAt('open')]
    expect(new Set(all).size).toBe(4)
    expect(all[3]).toBe('ada')
    expect(String(first)).not.toContain('ada')
  })

  test('are what userinfo, introspection and the logout token say too', async () => {
    await using world = await startWorld({ apps: { one: pairwise } })
    const client = world.client('one')
    const { body } = await redeemed(await opened(await world.signedIn(), client))
    const { sub, sid } = claimsOf(body.id_token)
    const userinfo = await fetch(`${world.issuer}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    expect(await userinfo.json()).toMatchObject({ sub })
    const about = await ask(client, client.endpoints.introspect, { token: body.access_token ?? '' })
    expect(about.body.sub).toBe(sub)
    expect(await isActive(client, body.access_token ?? '')).toBe(true)
    await world.gateway.endSession({ kind: 'account', accountId: 'ada' as AccountId }, 'admin', operator)
    expect(await world.told('one')).toMatchObject([{ sub, sid, aud: 'one', iss: world.issuer }])
  })
})
