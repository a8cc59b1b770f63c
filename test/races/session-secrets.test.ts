import { describe, expect, test } from 'vitest'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { authorize, type Client, codeFor, exchange, isActive } from '#test/support/oauth.ts'
import { type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'
import { forms } from './forms.ts'

const tabs = 30

describe.for(forms)('the secret of a session, rotated by the clock ($form)', ({ options }) => {
  test('changes once for many tabs, and all of them stay signed in', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const { wiki, secretOf } = partsOf(target)
    const { browser } = await target.signIn()
    const old = secretOf(browser)
    target.clock.advance({ minutes: 11 })

    const outcomes = await Promise.all(
      Array.from({ length: tabs }, () => authorize(browserWith(target, old), wiki, { prompt: 'none' })),
    )
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from({ length: tabs }, () => 'code'))

    const pages = await Promise.all(
      Array.from({ length: tabs }, async () => {
        const tab = browserWith(target, old)
        const page = await tab.get(`${target.issuer}/account`, { follow: false })
        return { status: page.status, secret: secretOf(tab) }
      }),
    )
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    const [next] = pages
    expect(next?.secret).not.toBe(old)
    expect(new Set(pages.map(({ secret }) => secret)).size).toBe(1)
  })

  test('an answer that never arrived is given again, however late, while nobody has shown the new secret', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const { wiki, secretOf } = partsOf(target)
    const { browser } = await target.signIn()
    const old = secretOf(browser)
    target.clock.advance({ minutes: 11 })
    await codeFor(browserWith(target, old), wiki)
    target.clock.advance({ minutes: 5 })

    const late = browserWith(target, old)
    await codeFor(late, wiki)
    expect(secretOf(late)).not.toBe(old)
  })

  test('a secret that comes after its grace ends that session as stolen: its tokens die and its apps are told', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki', 'board'] })
    const { wiki, board, secretOf } = partsOf(target)
    const session = await target.signIn()
    const bystander = await target.signIn()
    const tokens = await exchange(wiki, await codeFor(session.browser, wiki))
    await exchange(board, await codeFor(session.browser, board))
    await exchange(wiki, await codeFor(bystander.browser, wiki))
    const stolen = secretOf(session.browser)
    target.clock.advance({ minutes: 11 })
    await codeFor(session.browser, wiki)
    await codeFor(session.browser, wiki)
    expect(secretOf(session.browser)).not.toBe(stolen)

    target.clock.advance({ seconds: 59 })
    expect(await authorize(browserWith(target, stolen), wiki, { prompt: 'none' })).toMatchObject({
      kind: 'code',
    })
    target.clock.advance({ seconds: 1 })
    const thieves = await Promise.all(
      Array.from({ length: 10 }, () => authorize(browserWith(target, stolen), wiki, { prompt: 'none' })),
    )
    expect(new Set(thieves.map((outcome) => 'error' in outcome && outcome.error))).toEqual(
      new Set(['login_required']),
    )

    expect(await authorize(session.browser, wiki, { prompt: 'none' })).toMatchObject({ kind: 'error' })
    expect(await isActive(wiki, tokens.body.access_token ?? '')).toBe(false)
    expect(await authorize(bystander.browser, wiki, { prompt: 'none' })).toMatchObject({ kind: 'code' })
    const logouts = await target.gateway.stores.logouts.list({ limit: 10 })
    expect(logouts).toMatchObject([{ cause: 'risk', ssoSessions: 1, appSessions: 2 }])
    await target.gateway.dispatcher.runDue()
    expect(target.toldSids()).toHaveLength(2)
    const replays = await target.gateway.stores.audit.list({ types: ['session.secret-replayed'], limit: 20 })
    expect(replays.map(({ subject }) => subject)).toContain('ada')
  })
})

function partsOf(target: RaceGateway) {
  const [wiki, board = wiki] = target.clients
  if (wiki === undefined) throw new Error('no app')
  const secretOf = (browser: Browser): string =>
    browser.cookiesFor(target.issuer).get(target.gateway.cookieNames.session) ?? ''
  return { wiki, board: board as Client, secretOf }
}

/** Another tab, or a thief: whoever has this secret. */
function browserWith(target: RaceGateway, secret: string): Browser {
  const browser = createBrowser()
  browser.setCookie(target.issuer, target.gateway.cookieNames.session, secret)
  return browser
}
