import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { Browser } from '#test/support/browser.ts'
import {
  authorize,
  type Client,
  codeFor,
  exchange,
  isActive,
  refresh,
  userinfoStatus,
} from '#test/support/oauth.ts'
import { type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'

describe('another process that holds the database', () => {
  test('for a moment: everyone waits and nobody notices', async () => {
    await using target = await startRaceGateway({ appIds: ['wiki'] })
    const wiki = only(target)
    const { browser } = await target.signIn()
    const lock = lockOf(target, 'gatehouse.db')
    const asked = Promise.all(Array.from({ length: 20 }, () => authorize(browser, wiki)))
    await sleep(300)
    lock.release()
    expect(new Set((await asked).map(({ kind }) => kind))).toEqual(new Set(['code']))
  })

  test('N-018 for long: who writes gets 503 and a time to come back, keeps the cookie, and goes on afterwards; who reads notices nothing', async () => {
    await using target = await startRaceGateway({ appIds: ['wiki'] })
    const wiki = only(target)
    const { id, browser } = await target.signIn()
    const tokens = await exchange(wiki, await codeFor(browser, wiki))
    const renewal = tokens.body.refresh_token ?? ''
    const question = await browser.get(`${target.issuer}/sign-out`)
    const sessionCookie = target.gateway.cookieNames.session
    const lock = lockOf(target, 'gatehouse.db')
    const began = performance.now()

    const [pages, renewals, signOut, readings] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => authorize(browser, wiki))),
      Promise.all(Array.from({ length: 3 }, () => refresh(wiki, renewal))),
      browser.submit(question, { decision: 'sign-out' }, { action: '/sign-out', follow: false }),
      readWhile(target, browser, wiki, tokens.body.access_token ?? ''),
    ])
    const tookMs = performance.now() - began

    expect(readings.every(({ status }) => status === 200)).toBe(true)
    expect(Math.max(...readings.map(({ ms }) => ms))).toBeLessThan(2_500)
    expect(new Set(pages.map((page) => 'status' in page && page.status))).toEqual(new Set([503]))
    expect(new Set(renewals.map(({ status }) => status))).toEqual(new Set([503]))
    expect(signOut.status).toBe(503)
    expect(Number(signOut.headers.get('retry-after'))).toBeGreaterThan(0)
    // Nobody waits for those who came before as well: that would be a minute for the last of these.
    expect(tookMs).toBeGreaterThan(4_000)
    expect(tookMs).toBeLessThan(12_000)
    expect(browser.cookiesFor(target.issuer).has(sessionCookie)).toBe(true)

    lock.release()
    expect(await target.gateway.sessions.findLive(id)).toBeDefined()
    expect((await authorize(browser, wiki, { prompt: 'none' })).kind).toBe('code')
    expect((await refresh(wiki, renewal)).status).toBe(200)
    expect(await isActive(wiki, tokens.body.access_token ?? '')).toBe(true)
  })

  test('a sign-out is done, and its page there, although nothing short-lived can be kept', async () => {
    await using target = await startRaceGateway({ appIds: ['wiki'] })
    const { id, browser } = await target.signIn()
    const question = await browser.get(`${target.issuer}/sign-out`)
    const lock = lockOf(target, 'ephemeral.db')
    const page = await browser.submit(question, { decision: 'sign-out' }, { action: '/sign-out' })
    lock.release()
    expect(page.status).toBe(200)
    expect(page.url).toMatch(/\/sign-out\/lgo_[\w-]+$/)
    expect(await target.gateway.sessions.findLive(id)).toBeUndefined()
    expect(target.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

/** What only reads: the process itself, its store, a page, and what apps ask of tokens. */
async function readWhile(target: RaceGateway, browser: Browser, client: Client, accessToken: string) {
  const timed = async (read: () => Promise<number>): Promise<{ status: number; ms: number }> => {
    const began = performance.now()
    return { status: await read(), ms: performance.now() - began }
  }
  const readings: { readonly status: number; readonly ms: number }[] = []
  for (let round = 0; round < 5; round++) {
    readings.push(
      await timed(async () => (await fetch(`${target.issuer}/healthz`)).status),
      await timed(async () => (await fetch(`${target.issuer}/readyz`)).status),
      await timed(async () => (await browser.get(`${target.issuer}/`)).status),
      await timed(() => userinfoStatus(client, accessToken)),
    )
    await sleep(200)
  }
  return readings
}

/** Takes the write lock of one of the gateway's files. */
function lockOf(target: RaceGateway, file: string): { release(): void } {
  const other = new Sqlite(join(target.folder, 'data', file))
  other.exec('begin immediate')
  return {
    release: () => {
      other.exec('rollback')
      other.close()
    },
  }
}

function only({ clients }: RaceGateway): Client {
  const [client] = clients
  if (client === undefined) throw new Error('no app')
  return client
}
