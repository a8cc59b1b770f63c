import { describe, expect, test } from 'vitest'
import { createBrowser } from '#test/support/browser.ts'
import { signInAt, startTwoApps } from '#test/support/two-apps.ts'

describe('one sign-in, two apps, one sign-out', () => {
  test('signing in at one app opens the other without a prompt, and signing out at one tells both', async () => {
    await using all = await startTwoApps()
    const browser = createBrowser()

    const atWiki = await signInAt(browser, all.wiki)
    expect(atWiki.url).toBe(`${all.wiki.url}/`)
    expect(atWiki.text).toContain('Signed in as')

    const atBoard = await browser.get(`${all.board.url}/sign-in`)
    expect(atBoard.url).toBe(`${all.board.url}/`)
    expect(atBoard.visited.some((url) => url.includes('/sign-in?attempt='))).toBe(false)

    const out = await browser.get(`${all.wiki.url}/sign-out`)
    expect(out.url).toBe(`${all.wiki.url}/?state=signed-out`)
    await all.gateway.dispatcher.runDue()
    expect(all.wiki.told).toHaveLength(1)
    expect(all.board.told).toHaveLength(1)
    expect(all.board.sessions.size).toBe(0)
  })
})
