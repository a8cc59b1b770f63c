import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metadataDefaults } from '#gateway/apps/client-metadata.ts'
import { createBrowser } from '#test/support/browser.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { authorizationRequest, gatewayEndpoints } from '#test/support/oauth.ts'
import { ada, declaredApp, signInOn } from '#test/support/two-apps.ts'
import { operator, signedIn } from './attacker.ts'
import { corpus, registered } from './redirect-corpus.ts'

const settings = {
  accounts: [ada],
  apps: [
    declaredApp('wiki', 'https://wiki.example.com', {}, { redirect_uris: [registered] }),
    declaredApp(
      'desk',
      'https://desk.example.com',
      {},
      {
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback', 'com.example.desk:/callback'],
      },
    ),
  ],
}

const evil = {
  id: 'evil',
  name: 'Evil',
  firstParty: false,
  access: { kind: 'everyone' },
  sessions: {},
  logout: { causes: 'all', appSignsOut: 'everywhere' },
} as const

describe('D: where a person may be sent', () => {
  test('N-031 of a hundred redirect addresses that some parser takes for the registered one, none passes', async () => {
    await using gateway = await startGateway({ settings })
    const browser = await signedIn(gateway)
    expect(corpus.length).toBeGreaterThanOrEqual(60)
    for (const uri of corpus) {
      expect([uri, await ask(gateway, 'wiki', [['redirect_uri', uri]], browser)]).toEqual([uri, 'page 400'])
    }
    expect(await ask(gateway, 'wiki', [['redirect_uri', registered]], browser)).toBe('redirect')
  })

  test('N-031 whatever is done to the registered address, only the same bytes pass', async () => {
    await using gateway = await startGateway({ settings })
    const browser = await signedIn(gateway)
    const at = fc.nat({ max: registered.length })
    const bit = fc.oneof(
      fc.constantFrom(
        '@',
        '\\',
        '/',
        '//',
        '.',
        '..',
        '%2f',
        '%2e',
        '%00',
        '#',
        '?',
        '&',
        ':',
        ';',
        '*',
        ' ',
        '\t',
        '＠',
        '。',
      ),
      fc.string({ maxLength: 4 }),
    )
    const bent = fc.oneof(
      fc.tuple(at, bit).map(([where, more]) => registered.slice(0, where) + more + registered.slice(where)),
      at.map((where) => registered.slice(0, where) + registered.slice(where + 1)),
      at.map((where) => registered.slice(0, where) + registered.slice(where).toUpperCase()),
    )
    await fc.assert(
      fc.asyncProperty(bent, async (uri) => {
        const outcome = await ask(gateway, 'wiki', [['redirect_uri', uri]], browser)
        expect(outcome).toBe(uri === registered ? 'redirect' : 'page 400')
      }),
      { seed: 31, numRuns: 120 },
    )
  })

  test('N-031 two redirect addresses are one too many, and none is one too few', async () => {
    await using gateway = await startGateway({ settings })
    const browser = await signedIn(gateway)
    const evil = 'https://evil.example/'
    for (const uris of [[registered, evil], [evil, registered], [registered, registered], ['']]) {
      const outcome = await ask(
        gateway,
        'wiki',
        uris.map((uri) => ['redirect_uri', uri]),
        browser,
      )
      expect([uris, outcome]).toEqual([uris, 'page 400'])
    }
    expect(await ask(gateway, 'wiki', [], browser)).toBe('page 400')
  })

  test('N-032 a native app may choose its port on loopback, and nothing else', async () => {
    await using gateway = await startGateway({ settings })
    const browser = await signedIn(gateway)
    const expected: Readonly<Record<string, string>> = {
      'http://127.0.0.1/callback': 'redirect',
      'http://127.0.0.1:49152/callback': 'redirect',
      'com.example.desk:/callback': 'redirect',
      'http://localhost:49152/callback': 'page 400',
      'http://[::1]:49152/callback': 'page 400',
      'http://127.0.0.2:49152/callback': 'page 400',
      'http://127.0.0.1:49152/callback2': 'page 400',
      'http://127.0.0.1:49152/callback?x=1': 'page 400',
      'http://127.0.0.1:49152/callback#x': 'page 400',
      'http://user@127.0.0.1:49152/callback': 'page 400',
      'http://127.1:49152/callback': 'page 400',
      'http://2130706433/callback': 'page 400',
      'https://127.0.0.1:49152/callback': 'page 400',
      'com.example.desk:/callback2': 'page 400',
      'com.example.desk://evil.example/callback': 'page 400',
    }
    for (const [uri, outcome] of Object.entries(expected)) {
      expect([uri, await ask(gateway, 'desk', [['redirect_uri', uri]], browser)]).toEqual([uri, outcome])
    }
    // A web app on loopback gets no such leave.
    await using web = await startGateway({
      settings: { accounts: [ada], apps: [declaredApp('dev', 'http://127.0.0.1:4000')] },
    })
    const other = [['redirect_uri', 'http://127.0.0.1:4001/callback']] as const
    expect(await ask(web, 'dev', other, await signedIn(web))).toBe('page 400')
  })

  test('N-033 an unknown app or address is answered on our own page, and never by a redirect', async () => {
    await using gateway = await startGateway({ settings })
    const browser = await signedIn(gateway)
    for (const [client, uri] of [
      ['unknown', 'https://evil.example/'],
      ['', 'https://evil.example/'],
      ['wiki', 'https://evil.example/'],
      ['WIKI', registered],
      ['wiki ', registered],
      ["wiki' or '1'='1", registered],
      ['__proto__', registered],
    ] as const) {
      const outcome = await ask(gateway, client, [['redirect_uri', uri]], browser)
      expect([client, outcome]).toEqual([client, 'page 400'])
    }
    const query = new URLSearchParams({
      ...request(gateway, 'wiki'),
      redirect_uri: 'https://evil.example/',
      state: '<b>evil</b>',
    })
    const page = await browser.get(`${gateway.issuer}/oauth/authorize?${query}`)
    expect(page.text).toContain('This link does not work')
    expect(page.text).not.toMatch(/evil|<b>/)
  })

  test('N-034 no parameter says where a sign-in leads', async () => {
    await using gateway = await startGateway({ settings })
    for (const target of [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      'javascript:alert(1)',
    ]) {
      const browser = createBrowser()
      const query = new URLSearchParams(
        ['returnTo', 'return_to', 'continue', 'next', 'redirect', 'url', 'RelayState', 'resumePath'].map(
          (name) => [name, target],
        ),
      )
      const page = await browser.get(`${gateway.issuer}/sign-in?${query}`)
      const done = await signInOn(browser, page, ada)
      expect(done.url).toBe(`${gateway.issuer}/`)
      const out = await browser.get(`${gateway.issuer}/sign-out?${query}`)
      const over = await browser.submit(out, { decision: 'sign-out' }, { follow: false })
      expect(over.location).toMatch(new RegExp(`^${gateway.issuer}/sign-out/`))
    }
  })

  test('N-036 an address that runs or leads elsewhere cannot be registered', async () => {
    await using gateway = await startGateway({ settings })
    for (const [type, uri] of [
      ['web', 'javascript:alert(1)'],
      ['web', 'data:text/html,x'],
      ['web', 'vbscript:x'],
      ['web', 'file:///etc/passwd'],
      ['web', 'com.example.app:/callback'],
      ['web', 'http://wiki.example.com/callback'],
      ['web', 'https://user@wiki.example.com/callback'],
      ['web', 'https://wiki.example.com/callback#x'],
      ['web', 'https://*.example.com/callback'],
      ['web', '/callback'],
      ['native', 'javascript:alert(1)'],
      ['native', 'data:text/html,x'],
      ['native', 'vbscript:x'],
      ['native', 'file:///etc/passwd'],
      ['native', 'blob:x'],
      ['native', 'about:blank'],
    ] as const) {
      const metadata = { ...metadataDefaults, application_type: type, redirect_uris: [uri] }
      const registering = gateway.gateway.commands.apps.add({ ...evil, oidc: { metadata } }, operator)
      await expect(registering, `${type} ${uri}`).rejects.toMatchObject({ code: 'app_invalid' })
    }
  })
})

function request({ issuer }: TestGateway, clientId: string): Record<string, string> {
  const client = { issuer, clientId, clientSecret: '', redirectUri: '', endpoints: gatewayEndpoints(issuer) }
  const { redirect_uri: _, ...rest } = authorizationRequest(client, 'v'.repeat(43))
  return rest
}

/** What becomes of an authorization request of somebody who is signed in. */
async function ask(
  gateway: TestGateway,
  clientId: string,
  parameters: readonly (readonly [name: string, value: string])[],
  browser: Awaited<ReturnType<typeof signedIn>>,
): Promise<string> {
  const query = new URLSearchParams(request(gateway, clientId))
  for (const [name, value] of parameters) query.append(name, value)
  const page = await browser.get(`${gateway.issuer}/oauth/authorize?${query}`, { follow: false })
  return page.headers.has('location') ? 'redirect' : `page ${page.status}`
}
