import { describe, expect, it } from 'vitest'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { ada, type Portal, password, startPortal } from './portal.ts'
import { csrfOf } from './visitor.ts'

async function link(portal: Portal): Promise<string> {
  const token = await portal.gateway.createSetUpLink()
  return `/set-up/${token}`
}

const typed = { email: ada, name: 'Ada Lovelace' }

describe('setting up the first operator', () => {
  it('works as a plain form with a password, and leads home signed in', async () => {
    await using portal = await startPortal()
    const path = await link(portal)
    const browser = portal.visitor()
    const answer = await browser.submit(await browser.open(path), path, { ...typed, password })
    expect(answer.location).toBe('/')
    const home = await browser.open('/')
    expect(home.text).toContain('Your account is ready.')
    expect((await browser.open('/')).text).not.toContain('Your account is ready.')
    const account = await portal.gateway.stores.accounts.findByFoldedEmail(ada)
    expect(account).toMatchObject({ operator: true, name: 'Ada Lovelace' })
  })

  it('works with a passkey', async () => {
    await using portal = await startPortal()
    const path = await link(portal)
    const browser = portal.visitor()
    const sent = { 'X-CSRF': csrfOf(await browser.open(path)) }
    const { options } = JSON.parse((await browser.json(`${path}/passkey/options`, typed, sent)).text)
    const credential = createSoftwareAuthenticator({ origin: portal.issuer }).register(options)
    const done = await browser.json(`${path}/passkey`, { ...typed, credential }, sent)
    expect(JSON.parse(done.text)).toEqual({ location: '/' })
    expect((await browser.open('/')).text).toContain('Ada Lovelace')
  })

  it.each([
    ['no address', { email: 'ada' }, 'not an e-mail address'],
    ['no name', { name: ' ' }, 'Enter a name'],
    ['a short password', { password: 'short' }, 'too short'],
    ['the address as password', { password: ada }, 'must not be your e-mail'],
  ])('keeps the link and what was typed when there is %s', async (_title, wrong, words) => {
    await using portal = await startPortal()
    const path = await link(portal)
    const browser = portal.visitor()
    const fields = { ...typed, password, ...(wrong as Record<string, string>) }
    const answer = await browser.submit(await browser.open(path), path, fields)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain(words)
    expect((await browser.submit(answer, path, { ...typed, password })).location).toBe('/')
  })

  it('N-195: works once, within half an hour, and never again when an operator exists', async () => {
    await using portal = await startPortal()
    const late = await link(portal)
    portal.clock.advance({ minutes: 31 })
    const browser = portal.visitor()
    expect((await browser.open(late)).status).toBe(404)

    const [path, second] = [await link(portal), await link(portal)]
    const [page, other] = [await browser.open(path), await browser.open(second)]
    await browser.submit(page, path, { ...typed, password })
    const thief = portal.visitor()
    expect((await thief.open(path)).text).toContain('This link no longer works')
    expect((await browser.submit(page, path, { ...typed, password })).status).toBe(404)
    expect(
      (await browser.submit(other, second, { email: 'b@example.com', name: 'B', password })).status,
    ).toBe(404)
    expect(await portal.gateway.createSetUpLink()).toBeUndefined()
    for (const hostile of ['/set-up/x', '/set-up/%00', `/set-up/${'A'.repeat(43)}`, '/set-up/..%2f']) {
      expect((await thief.open(hostile)).status).toBe(404)
    }
  })

  it('N-202: leaves no link in the log', async () => {
    await using portal = await startPortal()
    const path = await link(portal)
    const browser = portal.visitor()
    await browser.json(`${path}/passkey`, {}, {})
    await browser.get(`${path}/nowhere`)
    expect(portal.logLines.length).toBeGreaterThan(0)
    expect(JSON.stringify(portal.logLines)).not.toContain(path.slice('/set-up/'.length))
  })
})
