import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import { attemptMs, createAttempts } from '#gateway/sign-in/attempt.ts'
import { parseResumePath } from '#gateway/sign-in/resume-path.ts'
import { goodPassword, openSignIn } from './harness.ts'

describe('a sign-in attempt', () => {
  it('is what it was begun with, and stored without its handle or the browser\u2019s secret (N-006)', async () => {
    await using test = await openSignIn()
    const browser = test.openBrowser()
    const handle = await test.signIn.begin({
      resumePath: '/oauth/interaction/abc',
      appId: 'wiki' as AppId,
      loginHint: 'ada@example.com',
      browser: browser.browser,
      address: '192.0.2.7',
      wanted: { acr: 'urn:gatehouse:acr:2', provedAfter: 5 },
    })
    expect(await test.signIn.find(handle, browser.browser)).toEqual({
      resumePath: '/oauth/interaction/abc',
      appId: 'wiki',
      loginHint: 'ada@example.com',
      wanted: { acr: 'urn:gatehouse:acr:2', provedAfter: 5 },
      startedAt: test.clock.now(),
      expiresAt: test.clock.now() + attemptMs,
      proofs: [],
    })
    expect(await test.ephemeral.get('sign-in-attempt', handle)).toBeUndefined()
  })

  it('cannot be seen or finished from another browser by handing over its handle (N-003)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const victim = test.openBrowser()
    const attacker = test.openBrowser()
    const handle = await attacker.begin()
    expect(await test.signIn.find(handle, victim.browser)).toBeUndefined()
    expect(
      await test.signIn.withPassword({
        ...victim.request(handle),
        email: 'ada@example.com',
        password: goodPassword,
      }),
    ).toEqual({ kind: 'expired' })
    expect(
      await test.signIn.passkeyOptions({ handle, browser: victim.browser, address: '192.0.2.7' }),
    ).toBeUndefined()
    expect(await test.signIn.withPasskey({ ...victim.request(handle), response: {} })).toEqual({
      kind: 'expired',
    })
  })

  it('is over after ten minutes, whatever was proved in it', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    const handle = await browser.begin({ acr: 'phr' })
    const withPassword = () =>
      test.signIn.withPassword({
        ...browser.request(handle),
        email: 'ada@example.com',
        password: goodPassword,
      })
    test.clock.advance({ ms: attemptMs - 1 })
    expect(await withPassword()).toMatchObject({ kind: 'more-needed' })
    test.clock.advance({ ms: 1 })
    expect(await withPassword()).toEqual({ kind: 'expired' })
    expect(await test.signIn.find(handle, browser.browser)).toBeUndefined()
  })

  it('never changes what it was begun with: proving in it, or beginning another, leaves it alone (N-004)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    const handle = await browser.begin({ acr: 'phr' }, '/first')
    await browser.begin({}, '/second')
    await test.signIn.withPassword({
      ...browser.request(handle),
      email: 'ada@example.com',
      password: goodPassword,
    })
    expect(await test.signIn.find(handle, browser.browser)).toMatchObject({
      resumePath: '/first',
      wanted: { acr: 'phr' },
    })
  })

  it('is not brought back by a proof that arrives after it was completed', async () => {
    await using test = await openSignIn()
    const attempts = createAttempts(test)
    const { browser } = test.openBrowser()
    const handle = await attempts.begin({ resumePath: '/', browser, wanted: {} })
    const attempt = await attempts.find(handle, browser)
    expect(await attempts.claim(handle)).toBe(true)
    if (attempt === undefined) throw new Error('The attempt was there.')
    await attempts.remember(handle, attempt, [])
    expect(await attempts.find(handle, browser)).toBeUndefined()
    expect(await attempts.claim(handle)).toBe(false)
  })

  it('is named by nothing but its exact handle (N-008)', async () => {
    await using test = await openSignIn()
    const { browser, begin } = test.openBrowser()
    const handle = await begin()
    for (const other of [
      '',
      handle.slice(1),
      `${handle}A`,
      handle.toLowerCase(),
      ` ${handle}`,
      `${handle}=`,
    ]) {
      expect(await test.signIn.find(other, browser)).toBeUndefined()
    }
    expect(await test.signIn.find(handle, browser)).toBeDefined()
  })

  it('cuts a login hint that is longer than any address', async () => {
    await using test = await openSignIn()
    const { browser } = test.openBrowser()
    const handle = await test.signIn.begin({
      resumePath: '/',
      loginHint: 'a'.repeat(10_000),
      browser,
      address: '192.0.2.7',
      wanted: {},
    })
    expect((await test.signIn.find(handle, browser))?.loginHint).toHaveLength(254)
  })

  it('is not begun for a browser without a cookie of its own', async () => {
    await using test = await openSignIn()
    await expect(
      test.signIn.begin({ resumePath: '/', browser: '', address: '192.0.2.7', wanted: {} }),
    ).rejects.toMatchObject({
      code: 'input_invalid',
    })
  })

  it('is not begun for a page that is not ours (N-034)', async () => {
    await using test = await openSignIn()
    await expect(test.openBrowser().begin({}, '//evil.example')).rejects.toMatchObject({
      code: 'input_invalid',
    })
  })
})

describe('a path to resume (N-034)', () => {
  it.for([
    ['/', '/'],
    ['/oauth/interaction/abc?x=1&y=%2F', '/oauth/interaction/abc?x=1&y=%2F'],
    ['/account#sessions', '/account#sessions'],
    ['/a/../b', '/b'],
    ['/a b', '/a%20b'],
    ['/caf\u00e9', '/caf%C3%A9'],
    ['/?next=https://evil.example', '/?next=https://evil.example'],
  ])('accepts %s as %s', ([text, path]) => {
    expect(parseResumePath(text ?? '')).toBe(path)
  })

  it.for([
    '',
    'account',
    'https://evil.example/',
    'HTTPS:evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/a\\..\\..\\evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\r\nLocation: https://evil.example',
    '\t//evil.example',
    ' //evil.example',
    '/\u0000',
    '/\ud800',
    '@evil.example',
    '.evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    `/${'a'.repeat(2_048)}`,
    `/${'\u00e9'.repeat(1_000)}`,
  ])('refuses %j', (text) => {
    expect(parseResumePath(text)).toBeUndefined()
  })

  it('never leads to another origin, whatever it is made of', () => {
    const pieces = fc.array(
      fc.constantFrom(
        '/',
        '\\',
        '.',
        '..',
        '%2e',
        '%2f',
        '%5c',
        ':',
        '@',
        '?',
        '#',
        '\t',
        '\n',
        'a',
        'evil.example',
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(pieces, fc.string(), (parts, tail) => {
        const path = parseResumePath(`/${parts.join('')}${tail}`)
        if (path === undefined) return
        expect(new URL(path, 'https://login.example.com').origin).toBe('https://login.example.com')
        expect(path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/)
        expect(parseResumePath(path)).toBe(path)
      }),
      { numRuns: 2_000 },
    )
  })
})
