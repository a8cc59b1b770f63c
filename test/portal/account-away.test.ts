import { describe, expect, it } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import { agreed, agreedAt, believed, keptOf, leave, renewed, startAway } from '#test/oidc/away.ts'
import { createBrowser } from '#test/support/browser.ts'

const heading = 'Apps with access while you are away'

describe('apps with access while the person is away, on the account page', () => {
  it('are not spoken of where there are none', async () => {
    await using world = await startAway()
    const browser = await world.signedIn()
    await agreedAt(browser, world.client('board'))
    expect((await browser.get(`${world.issuer}/account`)).text).not.toContain(heading)
  })

  it('are there before the person leaves and after, each app once, with since when and when last used', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    expect((await held.browser.get(`${world.issuer}/account`)).text).toContain(heading)
    await agreed(world)
    await leave(world)
    world.clock.advance({ days: 3 })
    const next = await renewed(held, held.renewal)
    world.clock.advance({ days: 1 })
    const { text } = await (await world.signedIn()).get(`${world.issuer}/account`)
    const part = text.slice(text.indexOf(heading), text.indexOf('id="security"'))
    expect(part.match(/<h3>Wiki<\/h3>/g)).toHaveLength(1)
    expect(part).toMatch(/Allowed <time[^>]*>4 days ago<\/time> · last used <time[^>]*>1 day ago<\/time>/)
    world.clock.advance({ days: 29 })
    // What has run out is not shown, swept or not.
    const later = await (await world.signedIn()).get(`${world.issuer}/account`)
    expect(later.text).not.toContain(heading)
    expect(next.refresh_token).toBeDefined()
  })

  it('are removed at once, with a line in the trail; the session they were opened in lives on', async () => {
    await using world = await startAway()
    const away = await agreed(world)
    await leave(world)
    const here = await agreed(world)
    const page = await here.browser.get(`${world.issuer}/account`)
    const after = await here.browser.submit(page, {}, { action: '/account/apps/wiki/remove' })
    expect(after.url).toBe(`${world.issuer}/account#away`)
    expect(after.text).toContain('That app’s access was removed.')
    expect(after.text).toContain('No app has access while you are away.')
    for (const held of [away, here])
      expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: false })
    expect(await world.gateway.stores.sessions.countActive(9)).toBe(1)
    expect(await world.gateway.stores.sessions.activeAt('wiki' as AppId, 9)).toHaveLength(1)
    const lines = await world.gateway.stores.audit.list({ types: ['offline-access.revoked'], limit: 9 })
    expect(lines.map(({ actor, detail }) => [actor, detail].map((text) => JSON.parse(text)))).toEqual([
      [{ kind: 'account', accountId: 'ada' }, expect.objectContaining({ cause: 'taken-back' })],
      [{ kind: 'account', accountId: 'ada' }, expect.objectContaining({ cause: 'taken-back' })],
    ])
    // Nothing to say any more at the next look.
    expect((await here.browser.get(`${world.issuer}/account`)).text).not.toContain(heading)
  })

  it('are one’s own: another person removes nothing of them, and reads the same', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const bob = await world.signedIn({ email: 'bob@example.com', password: 'another long password' })
    await agreedAt(bob, world.client('wiki'))
    const page = await bob.get(`${world.issuer}/account`)
    const after = await bob.submit(page, {}, { action: '/account/apps/wiki/remove' })
    expect(after.text).toContain('That app’s access was removed.')
    expect(await keptOf(world)).toHaveLength(1)
    expect((await renewed(held, held.renewal)).refresh_token).toBeDefined()
  })

  it('are removed from the page only: not by a form of another site, without its token, or signed out', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const url = `${world.issuer}/account/apps/wiki/remove`
    const cookie = [...held.browser.cookiesFor(url)].map(([name, value]) => `${name}=${value}`).join('; ')
    const page = await held.browser.get(`${world.issuer}/account`)
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const post = async (fields: Record<string, string>, headers: Record<string, string>) =>
      (
        await fetch(url, {
          method: 'POST',
          redirect: 'manual',
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'test', ...headers },
          body: new URLSearchParams(fields).toString(),
        })
      ).status
    const own = { origin: world.issuer, 'sec-fetch-site': 'same-origin' }
    expect(
      await post({ csrf }, { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
    ).toBe(403)
    expect(await post({}, { cookie, ...own })).toBe(403)
    expect(await post({ csrf }, own)).toBe(303)
    expect(await keptOf(world)).toHaveLength(1)
    expect((await createBrowser().get(url)).status).toBe(405)
  })
})
