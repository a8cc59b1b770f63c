import { describe, expect, test } from 'vitest'
import { createConsoleRouter } from '#gateway/console/console.ts'
import type { ConsoleDeps } from '#gateway/console/deps.ts'
import { reportsAt } from '#test/portal/events.ts'
import { ada, app } from '#test/portal/portal.ts'
import { csrfOf, type Page, type Sent } from '#test/portal/visitor.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { type Console, grace, inAMinute, startConsole } from './console.ts'

/** Only its paths are looked at. */
const router = createConsoleRouter({
  issuer: 'http://localhost',
  stopping: AbortSignal.abort(),
} as ConsoleDeps)
const routes = router.stack.flatMap(({ methods, path }) =>
  methods
    .filter((method) => method !== 'HEAD')
    .map((method) => ({ method, path: String(path).replace('apps/:id', 'apps/wiki') })),
)
const changing = routes.filter(({ method }) => method === 'POST')
const of = (path: string, logout: string): string => path.replace(':id', logout)

/** Everything that the kill switch asks for; the others need nothing but the token. */
const filledIn = { everyone: '1', typed: 'everyone' }

/** An open Logout, so that every route has something to show or to change. */
async function prepared(): Promise<{ readonly console: Console; readonly logout: string }> {
  const console = await startConsole()
  console.wiki.behave(inAMinute)
  const logout = await console.signOut(console.adaAccount, 'wiki')
  await console.gateway.dispatcher.runDue()
  console.clock.advance({ seconds: 1 })
  return { console, logout }
}

/** What would be another, had a route done anything. */
async function stateOf({ gateway }: Console): Promise<string> {
  const [last] = await gateway.stores.audit.list({ limit: 1 })
  return `${last?.seq}`
}

describe('N-191: every page and every act of operators', () => {
  test('is one of these, so that a new one is tested too', () => {
    expect(routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
      'GET /console',
      'GET /console/apps/wiki/check',
      'GET /console/confirm',
      'GET /console/logouts',
      'GET /console/logouts/:id',
      'GET /console/logouts/:id/events',
      'GET /console/logouts/:id/receipt',
      'GET /console/sessions/end',
      'GET /console/sessions/end/confirm',
      'POST /console/apps/retry',
      'POST /console/apps/wiki/check',
      'POST /console/apps/wiki/retry',
      'POST /console/logouts/:id/retry',
      'POST /console/sessions/end',
    ])
  })

  test('is nowhere for a person who is no operator, as an address where there is nothing is', async () => {
    const { console, logout } = await prepared()
    await using _ = console
    const person = await console.signedIn()
    const csrf = csrfOf(await person.open('/account'))
    const before = await stateOf(console)
    const nowhere = await person.get('/nowhere')
    const alike = ({ text }: Page): string => text.replace(/<code class="error-id">[^<]*/, '')
    for (const { method, path } of routes) {
      const address = of(path, logout)
      const answer =
        method === 'GET' ? await person.get(address) : await person.post(address, { csrf, ...filledIn })
      expect([method, path, answer.status]).toEqual([method, path, 404])
      expect(alike(answer), path).toBe(alike(nowhere))
    }
    expect(await stateOf(console)).toBe(before)
    for (const page of ['/', '/account']) expect((await person.open(page)).text).not.toContain('/console')
  })

  test('asks whoever is not signed in to sign in, and does nothing', async () => {
    const { console, logout } = await prepared()
    await using _ = console
    const before = await stateOf(console)
    for (const { method, path } of routes) {
      const visitor = console.visitor()
      const address = of(path, logout)
      const answer = method === 'GET' ? await visitor.get(address) : await visitor.post(address, filledIn)
      if (path.endsWith('/events')) expect([path, answer.status]).toEqual([path, 404])
      else expect([path, answer.location]).toEqual([path, expect.stringMatching(/^\/sign-in\?attempt=/)])
    }
    expect(await stateOf(console)).toBe(before)
  })

  test('leads back to where an operator wanted to go', async () => {
    await using console = await startConsole()
    const visitor = console.visitor()
    const form = await visitor.open('/console/logouts?waiting=1')
    const answer = await visitor.signIn(grace, 'correct horse battery', form)
    expect(answer.location).toBe('/console/logouts?waiting=1')
  })

  test.for([
    ['whose role was taken away', { operator: false }],
    ['whose account was disabled', undefined],
  ] as const)('acts for no operator %s while the page was open', async ([, change]) => {
    const { console, logout } = await prepared()
    await using _ = console
    const csrf = csrfOf(await console.operator.open('/account'))
    const { accounts } = console.gateway.commands
    const by = { kind: 'command-line' } as const
    // Somebody has to be left who can.
    await console.addPerson({ email: 'root@example.com', operator: true })
    if (change === undefined) await accounts.disable(console.graceAccount.id, by)
    else await accounts.change(console.graceAccount.id, change, by)
    const before = await stateOf(console)
    for (const { path } of changing) {
      const answer = await console.operator.post(of(path, logout), { csrf, ...filledIn })
      expect([path, answer.status === 404 || answer.location?.startsWith('/sign-in')]).toEqual([path, true])
    }
    expect(await stateOf(console)).toBe(before)
  })

  test.for([
    [
      'whose session has ended',
      async ({ gateway, graceAccount, sessionsOf }: Console) => {
        for (const { id } of await sessionsOf(graceAccount))
          await gateway.commands.sessions.end(id, { kind: 'command-line' })
      },
    ],
    [
      'whose role was taken away',
      async ({ gateway, graceAccount, addPerson }: Console) => {
        await addPerson({ email: 'root@example.com', operator: true })
        await gateway.commands.accounts.change(graceAccount.id, { operator: false }, { kind: 'command-line' })
      },
    ],
  ] as const)('tells an operator %s no more, on a page that was open', async ([, take]) => {
    const { console, logout } = await prepared()
    await using _ = console
    const seen = await reportsAt(console, console.operator, `/console/logouts/${logout}/events`, () => {
      void take(console)
      return false
    })
    // The stream has ended by itself, with nothing since.
    expect(seen).toHaveLength(1)
  })

  test('shows operators, and nobody else, the way to it', async () => {
    await using console = await startConsole()
    for (const page of ['/', '/account']) {
      expect((await console.operator.open(page)).text).toContain('<a href="/console/logouts">Console</a>')
    }
    expect((await console.operator.get('/console')).location).toBe('/console/logouts')
  })
})

describe('N-181: every act of operators', () => {
  test.for(changing)('$path refuses what does not come from its own page', async ({ path }) => {
    const { console, logout } = await prepared()
    await using _ = console
    const { operator } = console
    const mine = csrfOf(await operator.open('/account'))
    const theirs = csrfOf(await (await console.signedIn(grace)).open('/account'))
    const before = await stateOf(console)
    const attempts: readonly (readonly [what: string, token: string | undefined, headers: Sent])[] = [
      ['no token', undefined, {}],
      ['an empty token', '', {}],
      ['another browser’s token', theirs, {}],
      ['another site', mine, { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
      ['a neighbour', mine, { 'Sec-Fetch-Site': 'same-site' }],
      ['a null origin', mine, { Origin: 'null' }],
      ['plain text', mine, { 'Content-Type': 'text/plain' }],
      ['no type at all', mine, { 'Content-Type': '' }],
    ]
    for (const [what, token, headers] of attempts) {
      const answer = await operator.post(
        of(path, logout),
        token === undefined ? {} : { csrf: token },
        headers,
      )
      expect([what, answer.status]).toEqual([
        what,
        expect.toSatisfy((status) => status === 403 || status === 400),
      ])
    }
    expect(await stateOf(console)).toBe(before)
    const accepted = await operator.post(of(path, logout), { csrf: mine, ...filledIn })
    expect(accepted.status).toBe(303)
    expect(await stateOf(console)).not.toBe(before)
  })

  test.for(changing)('$path takes a proof that is younger than ten minutes', async ({ path }) => {
    const { console, logout } = await prepared()
    await using _ = console
    const { operator } = console
    console.clock.advance({ minutes: 11 })
    const page = await operator.open(`/console/logouts/${logout}`)
    expect(page.text).toContain('It has been a while since you proved that it is you.')
    const before = await stateOf(console)
    const answer = await operator.post(of(path, logout), { csrf: csrfOf(page), ...filledIn })
    expect(answer.location).toMatch(/^\/sign-in\?attempt=/)
    expect((await operator.open(answer.location ?? '')).text).toContain('Confirm it’s you')
    expect(await stateOf(console)).toBe(before)
  })

  test('the way to a fresh proof leads back into the console, and nowhere else', async () => {
    await using console = await startConsole()
    for (const [to, back] of [
      ['/console/logouts?waiting=1', '/console/logouts?waiting=1'],
      ['https://evil.example/', '/console/logouts'],
      ['//evil.example/console/', '/console/logouts'],
      ['/console/../account', '/console/logouts'],
      ['/account', '/console/logouts'],
      ['', '/console/logouts'],
    ] as const) {
      console.clock.advance({ seconds: 1 })
      const form = await console.operator.open(`/console/confirm?to=${encodeURIComponent(to)}`)
      const answer = await console.operator.signIn(grace, 'correct horse battery', form)
      expect([to, answer.location]).toEqual([to, back])
    }
  })
})

describe('N-183, N-187: every page of operators', () => {
  test('can be neither framed nor kept, and loads nothing from elsewhere', async () => {
    const { console, logout } = await prepared()
    await using _ = console
    for (const { path } of routes.filter(({ method }) => method === 'GET')) {
      if (path.endsWith('/events')) continue
      const answer = await console.operator.get(of(path, logout))
      expect([path, answer.headers.get('Cache-Control')]).toEqual([path, 'no-store'])
      expect(answer.headers.get('X-Frame-Options')).toBe('DENY')
      const policy = answer.headers.get('Content-Security-Policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain('unsafe')
      for (const [, address = ''] of answer.text.matchAll(/\b(?:src|href|action)="([^"]*)"/g)) {
        expect(address).toMatch(/^[/#]/)
      }
      expect(answer.text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle="|\bon[a-z]+="/)
    }
  })
})

describe('N-184: what apps and people chose', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)",
    '</title><svg onload=alert(1)>',
    'javascript:alert(1)',
  ]

  test.for(hostile)('is text and nothing else to an operator: %s', async (text) => {
    await using wiki = await openReceiver()
    wiki.behave({ answer: 400, body: JSON.stringify({ error: text, error_description: text }) })
    await using console = await startConsole({
      settings: { apps: [app('wiki', text.slice(0, 60), wiki.url)] },
    })
    const account = await console.addPerson({ email: 'eve@example.com', name: text })
    const logout = await console.signOut(account, 'wiki')
    await console.gateway.dispatcher.runDue()
    const { operator } = console
    const query = encodeURIComponent(text)
    await operator.submit(await operator.open('/console/apps/wiki/check'), '/console/apps/wiki/check')
    const pages = [
      await operator.open('/console/logouts'),
      await operator.open(`/console/logouts?person=${query}&app=${query}&before=${query}`),
      await operator.open(`/console/logouts/${logout}`),
      await operator.open(`/console/logouts/${logout}?page=${query}&delivery=${query}`),
      await operator.open('/console/apps/wiki/check'),
      await operator.open(`/console/apps/${query}/check`),
      await operator.submit(await operator.open('/console/logouts'), '/console/apps/wiki/retry'),
      await operator.open('/console/logouts'),
      await operator.open(`/console/confirm?to=${query}`),
      await operator.open(
        `/console/sessions/end?person=${query}&app=${query}&network=${query}&method=${query}`,
      ),
      await operator.open('/console/sessions/end/confirm?app=wiki'),
      ...(await Promise.all(
        ['person', 'app', 'network', 'passkey', 'before'].map((field) =>
          operator.open(`/console/sessions/end/confirm?${field}=${query}`),
        ),
      )),
    ]
    for (const page of pages) {
      expect(page.text).not.toMatch(/<script>|<img src=x|<svg onload|' onfocus|href="javascript:/)
    }
    expect(pages[2]?.text).toContain('it answered 400')
    expect((await console.signedIn(ada)).sessionCookie).toBeDefined()
  })
})
