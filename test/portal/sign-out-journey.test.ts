import { describe, expect, it } from 'vitest'
import { metadataDefaults } from '#gateway/apps/client-metadata.ts'
import { createSignOutRequests } from '#gateway/logout/sign-out-request.ts'
import { reportsAt } from './events.ts'
import { app, type Portal, startPortal } from './portal.ts'
import { csrfOf, type Visitor } from './visitor.ts'

/** An app that only a browser can tell, beside one that the gateway cannot tell at all. */
function old(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const declared = app(id, 'Old Intranet') as { oidc: Record<string, unknown> }
  return {
    ...declared,
    logout: { local_session: '8h', ...more },
    oidc: {
      ...declared.oidc,
      frontchannel_logout_uri: `http://127.0.0.1:4001/${id}/logout?from=here`,
      frontchannel_logout_session_required: true,
    },
  }
}

async function signedInAt(apps: readonly Record<string, unknown>[], joined: readonly string[]) {
  const portal = await startPortal({ settings: { apps } })
  const account = await portal.addPerson()
  const browser = await portal.signedIn()
  const [session] = await portal.sessionsOf(account)
  if (session === undefined) throw new Error('not signed in')
  const sids = new Map<string, string>()
  for (const id of joined) sids.set(id, (await portal.join(session, id)).sid)
  return {
    portal,
    account,
    browser,
    session,
    sids,
    [Symbol.asyncDispose]: () => portal[Symbol.asyncDispose](),
  }
}

/** What an app asks for without proof, in this browser. */
async function askedBy(
  portal: Portal,
  browser: Visitor,
  appId: string | undefined,
  continueTo?: string,
): Promise<string> {
  const { ephemeral, random } = portal.gateway
  const handle = await createSignOutRequests({ ephemeral, random }).ask(
    browser.cookies.get(`gatehouse-${portal.port}-browser`) ?? '',
    {
      ...(appId === undefined ? {} : { appId: appId as never }),
      ...(continueTo === undefined ? {} : { continueTo }),
    },
  )
  return `/sign-out?request=${handle}`
}

/** The frames that the page of a sign-out names, by delivery. */
function framesOf(html: string): ReadonlyMap<string, URL> {
  return new Map(
    [...html.matchAll(/data-frame="(dlv_[^"]+)" data-address="([^"]+)"/g)].map(
      ([, id = '', address = '']) => [id, new URL(address.replaceAll('&amp;', '&'))],
    ),
  )
}

async function sayLoaded(browser: Visitor, path: string, csrf: string, ids: readonly string[]) {
  return browser.json(`${path}/loaded`, { loaded: ids }, { 'X-CSRF': csrf })
}

async function stateOf(portal: Portal, path: string): Promise<unknown> {
  const report = await portal.gateway.reports.find(path.slice(path.lastIndexOf('/') + 1) as never)
  return report?.deliveries.map(({ state }) => state)
}

describe('a sign-out that only the browser can bring to an app', () => {
  it('frames the app with iss and sid, under a policy that names its origin and no other', async () => {
    await using test = await signedInAt([app('wiki', 'Wiki'), old('old')], ['wiki', 'old'])
    const { portal, browser, sids } = test
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const page = await browser.open(location)
    const [[delivery = '', address] = []] = framesOf(page.text)
    expect(address?.origin).toBe('http://127.0.0.1:4001')
    expect(Object.fromEntries(address?.searchParams ?? [])).toEqual({
      from: 'here',
      iss: portal.issuer,
      sid: sids.get('old'),
    })
    expect(page.headers.get('Content-Security-Policy')).toContain('; frame-src http://127.0.0.1:4001;')
    expect(page.text).toContain('Asking through this browser')
    expect(page.text).toContain('Keep this page open for a moment')

    expect((await sayLoaded(browser, location, csrfOf(page), [delivery])).status).toBe(204)
    const after = await browser.open(location)
    expect(after.text).toContain('Asked through this browser, not confirmed.')
    expect(after.text).toContain('Its session may last until')
    expect(after.text).not.toContain('You are signed out<')
    expect(framesOf(after.text).size).toBe(0)
    expect(after.headers.get('Content-Security-Policy')).not.toContain('frame-src')
    expect(await stateOf(portal, location)).toEqual(['sent', 'cannot-be-told'])
  })

  it('goes on where it was after a reload, by a second tab, by /sign-out and after a restart', async () => {
    await using test = await signedInAt([old('old')], ['old'])
    const { portal, browser } = test
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    for (const _ of ['reload', 'second tab'])
      expect(framesOf((await browser.open(location)).text).size).toBe(1)
    // The tab was closed, or the answer to the click never came: whoever asks for a sign-out again is led back.
    expect((await browser.get('/sign-out')).location).toBe(location)
    expect((await browser.post('/sign-out', {})).location).toBe('/sign-out')
    await portal.stop()
    await using again = await startPortal({
      folder: portal.folder,
      port: portal.port,
      clock: portal.clock,
      settings: { apps: [old('old')] },
    })
    // The connection that was kept for the next request is gone with the process.
    await browser.get('/healthz').catch(() => undefined)
    const page = await browser.open(location)
    const [delivery = ''] = framesOf(page.text).keys()
    expect((await sayLoaded(browser, location, csrfOf(page), [delivery])).status).toBe(204)
    expect(await stateOf(again, location)).toEqual(['sent'])
    expect((await browser.open('/sign-out')).text).toContain('Nobody is signed in')
  })

  it('is believed of a page that has loaded, and of nobody else', async () => {
    await using test = await signedInAt([old('old')], ['old'])
    const { portal, browser } = test
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const page = await browser.open(location)
    const [delivery = ''] = framesOf(page.text).keys()
    const other = portal.visitor()
    await other.open('/sign-in')
    expect((await sayLoaded(other, location, csrfOf(page), [delivery])).status).toBe(403)
    expect((await sayLoaded(browser, location, 'another token', [delivery])).status).toBe(403)
    expect((await browser.get(`${location}/on?loaded=another`)).status).toBe(403)
    expect((await sayLoaded(browser, location, csrfOf(page), ['dlv_unknown', 'x'])).status).toBe(204)
    expect(
      (await browser.json(`${location}/loaded`, { loaded: 'all' }, { 'X-CSRF': csrfOf(page) })).status,
    ).toBe(400)
    expect(await stateOf(portal, location)).toEqual(['waiting'])
  })

  it('needs no JavaScript: the refresh of the page, which comes once all frames have loaded, says so', async () => {
    await using test = await signedInAt([old('old')], ['old'])
    const { portal, browser } = test
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    const page = await browser.open(location)
    const noscript = /<noscript><meta http-equiv="refresh" content="3;url=([^"]+)"><\/noscript>/.exec(
      page.text,
    )
    expect(page.text).toMatch(
      /<noscript><iframe title="Old Intranet signs you out" src="http:\/\/127\.0\.0\.1:4001\/old\/logout/,
    )
    const next = await browser.get(noscript?.[1] ?? '')
    expect(next.location).toBe(location)
    expect(await stateOf(portal, location)).toEqual(['sent'])
  })

  it('is over after ten minutes: the page says what was not told', async () => {
    await using test = await signedInAt([old('old')], ['old'])
    const { portal, browser } = test
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    portal.clock.advance({ minutes: 10 })
    await portal.gateway.sweeper.runOnce()
    const page = await browser.open(location)
    expect(framesOf(page.text).size).toBe(0)
    expect(page.text).toContain('Could not be told: the browser was closed before it was told.')
    expect(page.text).toContain('In 1 app you may still be signed in.')
  })

  it('does not frame an app that the person has opened again meanwhile', async () => {
    await using test = await signedInAt([old('old')], ['old'])
    const { portal, account, browser } = test
    const { location = '' } = await browser.submit(await browser.open('/'), '/sign-out')
    await browser.signIn(account.email, 'correct horse battery')
    expect(framesOf((await browser.open(location)).text).size).toBe(1)
    const [session] = await portal.sessionsOf(account)
    if (session === undefined) throw new Error('not signed in')
    await portal.join(session, 'old')
    const page = await browser.open(location)
    expect(framesOf(page.text).size).toBe(0)
    expect(page.text).toContain('Back to your apps')
    // Without JavaScript the page says that all its frames have loaded: that one is none of them.
    await browser.get(`${location}/on?loaded=${csrfOf(page)}`)
    expect(await stateOf(portal, location)).toEqual(['waiting'])
  })
})

describe('where an app wants the person afterwards', () => {
  const back = 'http://127.0.0.1:4001/wiki/?state=1'
  const operator = { kind: 'command-line' } as const
  const at = (address: string) =>
    ({
      name: 'Wiki',
      access: { kind: 'everyone' },
      firstParty: true,
      sessions: {},
      logout: { causes: 'all', appSignsOut: 'everywhere' },
      oidc: {
        metadata: {
          ...metadataDefaults,
          token_endpoint_auth_method: 'none',
          redirect_uris: ['http://127.0.0.1:4001/wiki/callback'],
          post_logout_redirect_uris: [address],
        },
      },
    }) as const
  const wiki = { id: 'wiki', ...at('http://127.0.0.1:4001/wiki/') } as never
  const elsewhere = at('http://127.0.0.1:4009/wiki/') as never

  it('comes after the page where an app needs the browser, and the page leads there', async () => {
    await using test = await signedInAt([app('wiki', 'Wiki'), old('old')], ['wiki', 'old'])
    const { portal, browser } = test
    const question = await browser.open(await askedBy(portal, browser, 'wiki', back))
    const { location = '' } = await browser.submit(question, '/sign-out', { decision: 'sign-out' })
    expect(location).toMatch(/^\/sign-out\/lgo_/)
    const page = await browser.open(location)
    expect(page.text).toContain(`data-go-on="${location}/on"`)
    expect(page.text).toContain('Continue to Wiki')
    expect((await browser.get(`${location}/on`)).location).toBe(back)
    // Back again later: nothing is left to tell, and nobody is sent away.
    const [delivery = ''] = framesOf(page.text).keys()
    await sayLoaded(browser, location, csrfOf(page), [delivery])
    expect((await browser.open(location)).text).not.toContain('data-go-on')
  })

  it.for([
    ['was disabled', (portal: Portal) => portal.gateway.commands.apps.disable('wiki' as never, operator)],
    [
      'lost that address',
      (portal: Portal) => portal.gateway.commands.apps.change('wiki' as never, elsewhere, operator),
    ],
    ['was removed', (portal: Portal) => portal.gateway.commands.apps.remove('wiki' as never, operator)],
  ] as const)(
    'N-023 is nowhere once the app %s, on whichever page the person is by then',
    async ([, take]) => {
      await using test = await signedInAt([old('old')], ['old'])
      const { portal, account } = test
      await portal.gateway.commands.apps.add(wiki, operator)
      const before = { carried: portal.visitor(), asked: portal.visitor() }
      for (const browser of [before.carried, before.asked]) {
        // One session is the newest.
        portal.clock.advance({ seconds: 1 })
        await browser.signIn(account.email, 'correct horse battery')
        const [session] = await portal.sessionsOf(account)
        if (session !== undefined) await portal.join(session, 'old')
      }
      const question = await before.carried.open(await askedBy(portal, before.carried, 'wiki', back))
      const { location = '' } = await before.carried.submit(question, '/sign-out', { decision: 'sign-out' })
      const unnamed = await askedBy(portal, before.asked, undefined, back)
      const waiting = await before.asked.open(unnamed)
      expect(waiting.headers.get('Content-Security-Policy')).toContain(
        "form-action 'self' http://127.0.0.1:4001;",
      )
      await take(portal)

      const page = await before.carried.open(location)
      expect(page.text).not.toContain('data-go-on')
      expect(page.text).not.toContain('Continue to')
      expect((await before.carried.get(`${location}/on`)).location).toBe(location)

      expect((await before.asked.open(unnamed)).headers.get('Content-Security-Policy')).toContain(
        "form-action 'self';",
      )
      const answer = await before.asked.submit(waiting, '/sign-out', { decision: 'sign-out' })
      expect(answer.location).toMatch(/^\/sign-out\/lgo_/)
      expect((await before.asked.get(`${answer.location}/on`)).location).toBe(answer.location)
    },
  )
})

describe('an app that leaves others alone when a person signs out of it', () => {
  const settings = [app('wiki', 'Wiki'), { ...app('desk', 'Desk'), logout: { app_signs_out: 'ask' } }]
  const small = { ...app('note', 'Notes'), logout: { app_signs_out: 'this-app' } }
  const back = 'http://127.0.0.1:4001/desk/'

  it('asks which of the two is meant, and ends its own part alone when that is the answer', async () => {
    await using test = await signedInAt(settings, ['wiki', 'desk'])
    const { portal, browser, session } = test
    const question = await browser.open(await askedBy(portal, browser, 'desk', back))
    expect(question.text).toContain('Sign out of Desk')
    expect(question.text).toContain('Sign out of all 2 apps')
    const answer = await browser.submit(question, '/sign-out', { decision: 'app' })
    expect(answer.location).toBe(back)
    expect((await browser.open('/')).text).toContain('Signed in')
    const parts = await portal.gateway.stores.sessions.appSessionsOf([session.id], 'any')
    expect(Object.fromEntries(parts.map(({ appId, ended }) => [appId, ended?.cause]))).toEqual({
      wiki: undefined,
      desk: 'app',
    })
    const page = await browser.open(
      `/sign-out/${parts.find(({ appId }) => appId === 'desk')?.ended?.logoutId}`,
    )
    expect(page.text).toContain('signed out of Desk')
    expect(page.text).not.toContain('Sign in again')
  })

  it('ends everything when that is the answer', async () => {
    await using test = await signedInAt(settings, ['wiki', 'desk'])
    const { portal, account, browser } = test
    const question = await browser.open(await askedBy(portal, browser, 'desk', back))
    await browser.submit(question, '/sign-out', { decision: 'sign-out' })
    expect(await portal.sessionsOf(account)).toEqual([])
  })

  it('offers its own part first where the operator has said so, and whole sign-outs where it has no part', async () => {
    await using test = await signedInAt([...settings, small], ['wiki', 'note'])
    const { portal, browser } = test
    const own = await browser.open(await askedBy(portal, browser, 'note'))
    expect(own.text).toMatch(/button-primary" type="submit" name="decision" value="app">Sign out of Notes/)
    const none = await browser.open(await askedBy(portal, browser, 'desk'))
    expect(none.text).not.toContain('value="app"')
    expect(none.text).toContain('value="sign-out">Sign out<')
  })

  it('ends nothing on an answer that the app does not leave', async () => {
    await using test = await signedInAt(settings, ['wiki', 'desk'])
    const { portal, browser, session } = test
    const question = await browser.open(await askedBy(portal, browser, 'wiki'))
    expect(question.text).not.toContain('value="app"')
    const made = await browser.submit(question, '/sign-out', { decision: 'app' })
    expect(made.location).toBe('/sign-out')
    expect(await portal.gateway.stores.sessions.appSessionsOf([session.id], 'active')).toHaveLength(2)
  })

  it('ends nothing on an answer whose question is over', async () => {
    await using test = await signedInAt(settings, ['wiki', 'desk'])
    const { portal, account, browser } = test
    const question = await browser.open(await askedBy(portal, browser, 'desk', back))
    portal.clock.advance({ minutes: 10 })
    const late = await browser.submit(question, '/sign-out', { decision: 'app' })
    expect(late.location).toBe('/sign-out')
    expect(await portal.sessionsOf(account)).toHaveLength(1)
  })
})

describe('another person who signs in at the same browser', () => {
  it('passes by the page that tells the first one’s apps, and goes on to where they were going', async () => {
    await using test = await signedInAt([old('old'), app('clinic', 'Clinic')], ['old', 'clinic'])
    const { portal, browser } = test
    const bob = await portal.addPerson({ email: 'bob@example.com', name: 'Bob' })
    await portal.gateway.ephemeral.add('passkey-offered', bob.id, true, 60_000)
    portal.clock.advance({ seconds: 1 })
    const attempt = await portal.gateway.signIn.begin({
      resumePath: '/account',
      browser: browser.cookies.get(`gatehouse-${portal.port}-browser`) ?? '',
      address: '127.0.0.1',
      wanted: { provedAfter: portal.clock.now() },
    })
    const page = await browser.open(`/sign-in?attempt=${attempt}&switch=yes`)
    const answer = await browser.submit(page, '/sign-in', {
      email: 'bob@example.com',
      password: 'correct horse battery',
    })
    expect(answer.location).toMatch(/^\/sign-out\/lgo_/)
    const passing = await browser.open(answer.location ?? '')
    expect(passing.text).toContain('Signing the previous account out')
    expect(framesOf(passing.text).size).toBe(1)
    // Bob's browser is to tell the one; the other is Ada's affair.
    expect(passing.text).not.toContain('Clinic')
    const seen = await reportsAt<{ rows: { appName: string }[] }>(
      portal,
      browser,
      `${answer.location}/events`,
      () => true,
    )
    expect(seen[0]?.rows.map(({ appName }) => appName)).toEqual(['Old Intranet'])
    expect((await browser.get(`${answer.location}/on`)).location).toBe('/account')
    expect((await browser.open('/account')).text).toContain('Bob')
  })
})
