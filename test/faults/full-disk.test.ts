import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { type Client, codeFor, exchange, isActive, refresh } from '#test/support/oauth.ts'
import { type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'
import { maySmallDisk, openSmallDisk } from '#test/support/small-disk.ts'

/** Far more than fit in what SQLite has set aside. */
const enough = 3_000

describe.skipIf(!maySmallDisk)('a full disk (needs root, for a real one)', () => {
  test('is a clear error with a time to come back; nothing is half done, and work goes on when there is space', async () => {
    using disk = openSmallDisk(8)
    await using target = await startRaceGateway({ appIds: ['wiki'], folder: disk.folder })
    const wiki = only(target)
    const { browser } = await target.signIn()
    const cookie = browser.cookiesFor(target.issuer).get(target.gateway.cookieNames.session)
    const tokens = await exchange(wiki, await codeFor(browser, wiki))
    disk.fill()

    const page = await failingPage(target, browser)
    expect(page.status).toBe(503)
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(page.text).toContain('The disk is full')
    expect(page.setCookies.filter((header) => header.startsWith(target.gateway.cookieNames.session))).toEqual(
      [],
    )
    expect(browser.cookiesFor(target.issuer).get(target.gateway.cookieNames.session)).toBe(cookie)

    // Used or not used, but not used up without an answer.
    const renewal = tokens.body.refresh_token ?? ''
    const refused = await refresh(wiki, renewal)
    expect([200, 503]).toContain(refused.status)
    expect(await isActive(wiki, tokens.body.access_token ?? '')).toBe(true)
    expect((await fetch(`${target.issuer}/healthz`)).status).toBe(200)

    disk.free()
    await codeFor(browser, wiki)
    expect((await refresh(wiki, renewal)).status).toBe(200)
    expect(integrityOf(target)).toBe('ok')
  })

  test('stops nobody who is signed in from looking around, and a sign-in says why it cannot begin', async () => {
    using disk = openSmallDisk(8)
    await using target = await startRaceGateway({ appIds: ['wiki'], folder: disk.folder })
    const { browser } = await target.signIn()
    await browser.get(`${target.issuer}/`)
    disk.fill()
    const stranger = createBrowser()
    let page = await stranger.get(`${target.issuer}/sign-in`)
    for (let tries = 0; page.status === 200 && tries < enough; tries++)
      page = await stranger.get(`${target.issuer}/sign-in`)
    expect(page.status).toBe(503)
    expect(page.text).toContain('The disk is full')
    for (const path of ['/', '/.well-known/openid-configuration', '/readyz'])
      expect((await browser.get(`${target.issuer}${path}`)).status, path).toBe(200)

    disk.free()
    expect((await stranger.get(`${target.issuer}/sign-in`)).status).toBe(200)
  })

  test('does not let a sign-out lie: it is refused and the session lives, or it is done and every app is told', async () => {
    using disk = openSmallDisk(8)
    await using target = await startRaceGateway({ appIds: ['wiki', 'board'], folder: disk.folder })
    const { id, browser } = await target.signIn()
    for (const client of target.clients) await exchange(client, await codeFor(browser, client))
    const question = await browser.get(`${target.issuer}/sign-out`)
    disk.fill()
    await failingPage(target, browser)

    const answer = await browser.submit(
      question,
      { decision: 'sign-out' },
      { action: '/sign-out', follow: false },
    )
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('nothing was saved')
    expect(browser.cookiesFor(target.issuer).has(target.gateway.cookieNames.session)).toBe(true)
    expect(await target.gateway.sessions.findLive(id)).toBeDefined()
    expect(await target.gateway.stores.logouts.list({ limit: 10 })).toEqual([])
    await target.gateway.dispatcher.runDue()
    expect(target.toldSids()).toEqual([])

    disk.free()
    const again = await browser.submit(
      question,
      { decision: 'sign-out' },
      { action: '/sign-out', follow: false },
    )
    expect(again.status).toBe(303)
    expect(await target.gateway.sessions.findLive(id)).toBeUndefined()
    await target.gateway.dispatcher.runDue()
    expect(target.toldSids()).toHaveLength(2)
    expect(integrityOf(target)).toBe('ok')
  })
})

/** Opens an app until the disk has no more room for it. */
async function failingPage(target: RaceGateway, browser: Browser) {
  const query = new URLSearchParams({
    client_id: 'wiki',
    redirect_uri: only(target).redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  for (let tries = 0; tries < enough; tries++) {
    const page = await browser.get(`${target.issuer}/oauth/authorize?${query}`, { follow: false })
    if (page.location === undefined) return page
  }
  throw new Error('the disk was never full')
}

function integrityOf(target: RaceGateway): unknown {
  const file = join(target.folder, 'data', 'gatehouse.db')
  expect(existsSync(file)).toBe(true)
  const database = new Sqlite(file, { readonly: true })
  try {
    return database.pragma('integrity_check', { simple: true })
  } finally {
    database.close()
  }
}

function only({ clients }: RaceGateway): Client {
  const [client] = clients
  if (client === undefined) throw new Error('no app')
  return client
}
