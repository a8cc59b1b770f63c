import { describe, expect, it } from 'vitest'
import { createCsrf } from '#gateway/http/csrf.ts'
import { requireOwnPage } from '#gateway/http/fetch-metadata.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'

const issuer = 'https://id.example.com'

function codeOf(act: () => void): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof GatewayError ? error.code : 'not ours'
  }
}

describe('a request that changes something', () => {
  it.each([
    [{ 'sec-fetch-site': 'same-origin', origin: issuer }],
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'none' }],
    [{ origin: issuer }],
    [{}],
  ])('is let through with %j', (headers) => {
    expect(codeOf(() => requireOwnPage(headers, issuer))).toBeUndefined()
  })

  it.each([
    [{ 'sec-fetch-site': 'cross-site', origin: issuer }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'SAME-ORIGIN' }],
    [{ 'sec-fetch-site': '' }],
    [{ origin: 'null' }],
    [{ 'sec-fetch-site': 'same-origin', origin: 'null' }],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }],
    [{ origin: `${issuer}.evil.example` }],
    [{ origin: 'http://id.example.com' }],
  ])('N-181: is refused with %j', (headers) => {
    expect(codeOf(() => requireOwnPage(headers, issuer))).toBe('cross_site_request')
  })
})

describe('the token of a form', () => {
  const csrf = createCsrf(Buffer.alloc(32, 7))
  const token = csrf.token('browser-a', 'sign-in')

  it('is accepted from the browser and for the purpose it was made for', () => {
    expect(codeOf(() => csrf.check('browser-a', 'sign-in', token))).toBeUndefined()
  })

  it.each([
    ['another browser', 'browser-b', 'sign-in', token],
    ['another purpose', 'browser-a', 'session:1', token],
    ['no browser', undefined, 'sign-in', token],
    ['no token', 'browser-a', 'sign-in', undefined],
    ['an empty token', 'browser-a', 'sign-in', ''],
    ['a token cut short', 'browser-a', 'sign-in', token.slice(1)],
    [
      'a token under another key',
      'browser-a',
      'sign-in',
      createCsrf(Buffer.alloc(32, 8)).token('browser-a', 'sign-in'),
    ],
  ])('is refused for %s', (_title, browser, purpose, shown) => {
    expect(codeOf(() => csrf.check(browser, purpose, shown))).toBe('csrf_token_invalid')
  })
})
