/** What passkey.js does on our pages, without a browser that runs it. */
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { Browser, Page } from '#test/support/browser.ts'
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '#test/support/passkey.ts'

/** Adds a passkey on the account page of whoever is signed in. */
export async function addPasskey(issuer: string, browser: Browser): Promise<SoftwareAuthenticator> {
  const authenticator = createSoftwareAuthenticator({ origin: issuer })
  const page = await browser.get(`${issuer}/account`)
  const { options } = await postJson<{ options: PublicKeyCredentialCreationOptionsJSON }>(
    browser,
    page,
    '/account/passkeys/options',
    {},
  )
  await postJson(browser, page, '/account/passkeys', { credential: authenticator.register(options) })
  return authenticator
}

/** Answers a sign-in page with a passkey and goes on where it leads. */
export async function answerWithPasskey(
  browser: Browser,
  page: Page,
  authenticator: SoftwareAuthenticator,
): Promise<Page> {
  const attempt = new URL(page.url).searchParams.get('attempt')
  const { options } = await postJson<{ options: PublicKeyCredentialRequestOptionsJSON }>(
    browser,
    page,
    '/sign-in/passkey/options',
    { attempt },
  )
  const { location } = await postJson<{ location: string }>(browser, page, '/sign-in/passkey', {
    attempt,
    credential: authenticator.assert(options),
  })
  return browser.get(new URL(location, page.url).href)
}

async function postJson<Answer>(browser: Browser, page: Page, path: string, body: unknown): Promise<Answer> {
  const url = new URL(path, page.url)
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      origin: url.origin,
      'sec-fetch-site': 'same-origin',
      'user-agent': browser.userAgent,
      'x-csrf': /<meta name="csrf" content="([^"]+)">/.exec(page.text)?.[1] ?? '',
      cookie: [...browser.cookiesFor(url.href)].map(([name, value]) => `${name}=${value}`).join('; '),
    },
    body: JSON.stringify(body),
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [pair = ''] = cookie.split(';')
    browser.setCookie(url.href, pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
  }
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
  return (text === '' ? {} : JSON.parse(text)) as Answer
}
