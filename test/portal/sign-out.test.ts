import { describe, expect, it } from 'vitest'
import { createSignOutRequests } from '#gateway/logout/sign-out-request.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { reportsAt } from './events.ts'
import { ada, app, type Portal, startPortal } from './portal.ts'
import { csrfOf, type Visitor } from './visitor.ts'

/** What the engine does for an app that asks without proof. */
async function askedByApp(portal: Portal, browser: Visitor, continueTo?: string): Promise<string> {
  const { ephemeral, random } = portal.gateway
  const handle = await createSignOutRequests({ ephemeral, random }).ask(
    browser.cookies.get(`gatehouse-${portal.port}-browser`) ?? '',
    { appId: 'wiki' as never, ...(continueTo === undefined ? {} : { continueTo }) },
  )
  return `/sign-out?request=${handle}`
}

interface Report {
  readonly settled: boolean
  readonly rows: readonly { readonly appName: string; readonly state: string; readonly words: string }[]
}

describe('signing out', () => {
  it('asks first, and a GET alone ends nothing', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const question = await browser.open('/sign-out')
    expect(question.text).toContain('Sign out?')
    expect(await portal.sessionsOf(account)).toHaveLength(1)
    const stayed = await browser.submit(question, '/sign-out', { decision: 'stay' })
    expect(stayed.location).toBe('/')
    expect(await portal.sessionsOf(account)).toHaveLength(1)
  })

  it('ends the session through the door, takes the cookie, and shows what became of it', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const secret = browser.sessionCookie ?? ''
    const answer = await browser.submit(await browser.open('/'), '/sign-out')
    expect(answer.location).toMatch(/^\/sign-out\/lgo_[A-Za-z0-9_-]+$/)
    expect(browser.sessionCookie).toBeUndefined()
    expect(await portal.sessionsOf(account)).toHaveLength(0)
    const page = await browser.open(answer.location ?? '')
    expect(page.text).toContain('You are signed out')
    // The old cookie is dead on the server, not only gone from the browser.
    browser.sessionCookie = secret
    expect((await browser.get('/')).location).toMatch(/^\/sign-in/)
    const [ended] = await portal.gateway.stores.sessions.listByAccount(account.id, {
      state: 'ended',
      limit: 1,
    })
    expect(ended?.ended).toMatchObject({
      cause: 'account',
      actor: { kind: 'account', accountId: account.id },
    })
  })

  it('is done already for whoever is not signed in', async () => {
    await using portal = await startPortal()
    const browser = portal.visitor()
    expect((await browser.open('/sign-out')).text).toContain(
      'Nobody is signed in to Gatehouse in this browser.',
    )
    expect((await browser.post('/sign-out', {})).location).toBe('/sign-out')
  })

  it('never waits for an app (invariant 6)', async () => {
    await using dead = await openReceiver()
    dead.behave('hang')
    await using portal = await startPortal({
      background: true,
      settings: { apps: [app('wiki', 'Wiki', dead.url)], logout: { timeout: '1s' } },
    })
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const [session] = await portal.sessionsOf(account)
    if (session !== undefined) await portal.join(session, 'wiki')
    const startedAt = performance.now()
    const answer = await browser.submit(await browser.open('/'), '/sign-out')
    const page = await browser.open(answer.location ?? '')
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(page.text).toContain('Waiting for its answer')
    expect(page.text).not.toContain('Signed out<')
  })
})

describe('the page of a sign-out', () => {
  it('belongs to the browser that signed out', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const other = portal.visitor()
    await other.open('/sign-in')
    for (const path of [location, `${location}/events`]) expect((await other.get(path)).status).toBe(404)
    expect((await portal.visitor().get(location)).status).toBe(404)
    expect((await browser.get('/sign-out/lgo_AAAAAAAAAAAAAAAAAAAAAA')).status).toBe(404)
    expect((await browser.get('/sign-out/%00')).status).toBe(404)
    expect((await browser.get(location)).status).toBe(200)
  })

  it('tells each app’s answer as it comes, and only what the app answered', async () => {
    await using wiki = await openReceiver()
    await using notes = await openReceiver()
    notes.behave({ answer: 405 })
    await using portal = await startPortal({
      settings: {
        apps: [app('wiki', 'Wiki', wiki.url), app('notes', 'Notes', notes.url), app('mute', 'Mute')],
      },
    })
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const [session] = await portal.sessionsOf(account)
    if (session === undefined) throw new Error('not signed in')
    for (const id of ['wiki', 'notes', 'mute']) await portal.join(session, id)
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const statesOf = (report: Report | undefined) =>
      Object.fromEntries(report?.rows.map(({ appName, state }) => [appName, state]) ?? [])

    const before = await reportsAt<Report>(portal, browser, `${location}/events`, () => true)
    expect(statesOf(before[0])).toEqual({ Wiki: 'waiting', Notes: 'waiting', Mute: 'cannot-be-told' })

    const seen: Report[] = []
    const watching = reportsAt<Report>(portal, browser, `${location}/events`, (report) => {
      seen.push(report)
      return report.rows.every(({ state }) => state !== 'waiting')
    })
    await portal.gateway.dispatcher.runDue()
    await watching
    expect(statesOf(seen.at(-1))).toEqual({ Wiki: 'confirmed', Notes: 'retrying', Mute: 'cannot-be-told' })
    expect(seen.at(-1)?.settled).toBe(false)
    // Without JavaScript a reload says the same.
    const { text } = await browser.open(location)
    expect(text).toContain('Not confirmed yet. Will keep trying')
    expect(text).toContain('it offers no way to tell it')
  })

  it('ends its events when nothing more will change, and offers none once it is old', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const all = await reportsAt<Report>(portal, browser, `${location}/events`, () => false)
    expect(all).toHaveLength(1)
    expect(all[0]?.settled).toBe(true)
    portal.clock.advance({ minutes: 11 })
    expect((await browser.get(`${location}/events`)).status).toBe(204)
  })

  it('is watched by so many pages at once and no more', async () => {
    await using mute = await openReceiver()
    await using portal = await startPortal({ settings: { apps: [app('wiki', 'Wiki', mute.url)] } })
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const [session] = await portal.sessionsOf(account)
    if (session !== undefined) await portal.join(session, 'wiki')
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const headers = { Cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
    /** Opens the events and stays until told to leave. */
    const watch = async (leave: AbortSignal): Promise<number> =>
      (await fetch(new URL(`${location}/events`, portal.issuer), { headers, signal: leave })).status
    const leave = new AbortController()
    const first = await Promise.all(Array.from({ length: 4 }, () => watch(leave.signal)))
    expect(first).toEqual([200, 200, 200, 200])
    expect(await watch(leave.signal)).toBe(503)
    leave.abort()
    // Whoever leaves makes room.
    const late = new AbortController()
    await expect.poll(() => watch(late.signal), { timeout: 5_000 }).toBe(200)
    late.abort()
  })
})

describe('a sign-out that an app asked for', () => {
  it('names the app, ends the session with cause app, and goes on to the registered address at once', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const continueTo = 'http://127.0.0.1:4001/wiki/?state=1'
    const path = await askedByApp(portal, browser, continueTo)
    const question = await browser.open(path)
    expect(question.text).toContain('<strong>Wiki</strong> asks to sign you out.')
    expect(question.headers.get('Content-Security-Policy')).toContain(
      "form-action 'self' http://127.0.0.1:4001;",
    )
    const answer = await browser.submit(question, '/sign-out', { decision: 'sign-out' })
    expect(answer.location).toBe(continueTo)
    const [ended] = await portal.gateway.stores.sessions.listByAccount(account.id, {
      state: 'ended',
      limit: 1,
    })
    expect(ended?.ended).toMatchObject({ cause: 'app', actor: { kind: 'app', appId: 'wiki' } })
    // What became of it keeps its own address.
    const page = await browser.open(`/sign-out/${ended?.ended?.logoutId}`)
    expect(page.text).toContain('Continue to Wiki')
  })

  it('is answered once, by the browser it was asked in', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const asking = await portal.signedIn()
    const path = await askedByApp(portal, asking, 'http://127.0.0.1:4001/wiki/')
    const other = await portal.signedIn(ada)
    const question = await other.open(path)
    expect(question.text).not.toContain('Wiki')
    const request = path.slice(path.indexOf('=') + 1)
    const answer = await other.submit(question, '/sign-out', { decision: 'sign-out', request })
    expect(answer.location).toMatch(/^\/sign-out\/lgo_/)
    expect(await portal.sessionsOf(account)).toHaveLength(1)
    expect((await asking.open(path)).text).toContain('Wiki')
  })

  it('ends nothing when the person stays', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const question = await browser.open(await askedByApp(portal, browser))
    expect((await browser.submit(question, '/sign-out', { decision: 'stay' })).location).toBe('/')
    expect((await browser.post('/sign-out', { csrf: csrfOf(await browser.open('/account')) })).location).toBe(
      '/',
    )
    expect(await portal.sessionsOf(account)).toHaveLength(1)
  })
})
