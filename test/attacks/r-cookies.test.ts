import { describe, expect, test } from 'vitest'
import { createBrowser, formOf } from '#test/support/browser.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import { isSignedIn, sessionCookie, signedIn } from './attacker.ts'

const settings = {
  accounts: [ada],
  sessions: { remember_me: { enabled: true } },
  apps: [declaredApp('wiki', 'https://wiki.example.com')],
}

describe('R: cookies', () => {
  test('N-188 each cookie has exactly these attributes on loopback', async () => {
    await using gateway = await startGateway({ settings })
    expect(await cookiesOnTheWay(gateway)).toMatchInlineSnapshot(`
      [
        "gatehouse-PORT-interaction=…; path=/oauth/interaction/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; httponly",
        "gatehouse-PORT-interaction.sig=…; path=/oauth/interaction/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; httponly",
        "gatehouse-PORT-resume=…; path=/oauth/authorize/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; httponly",
        "gatehouse-PORT-resume.sig=…; path=/oauth/authorize/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; httponly",
        "gatehouse-PORT-browser=…; Path=/; HttpOnly; SameSite=Lax; Max-Age=34560000",
        "gatehouse-PORT=…; Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600",
        "gatehouse-PORT-resume=; path=/oauth/authorize/UID; expires=Thu, 01 Jan 1970 00:00:00 GMT; samesite=lax; httponly",
        "gatehouse-PORT-resume.sig=…; path=/oauth/authorize/UID; expires=Thu, 01 Jan 1970 00:00:00 GMT; samesite=lax; httponly",
        "gatehouse-PORT=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
      ]
    `)
  })

  test('N-188 each cookie has exactly these attributes where the issuer is https', async () => {
    await using gateway = await startGateway({
      settings: { ...settings, issuer: 'https://login.example.com' },
    })
    expect(await cookiesOnTheWay(gateway)).toMatchInlineSnapshot(`
      [
        "__Secure-gatehouse-interaction=…; path=/oauth/interaction/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; secure; httponly",
        "__Secure-gatehouse-interaction.sig=…; path=/oauth/interaction/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; secure; httponly",
        "__Secure-gatehouse-resume=…; path=/oauth/authorize/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; secure; httponly",
        "__Secure-gatehouse-resume.sig=…; path=/oauth/authorize/UID; expires=Mon, 02 Mar 2026 09:10:00 GMT; samesite=lax; secure; httponly",
        "__Host-gatehouse-browser=…; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=34560000",
        "__Host-gatehouse=…; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=1209600",
        "__Secure-gatehouse-resume=; path=/oauth/authorize/UID; expires=Thu, 01 Jan 1970 00:00:00 GMT; samesite=lax; secure; httponly",
        "__Secure-gatehouse-resume.sig=…; path=/oauth/authorize/UID; expires=Thu, 01 Jan 1970 00:00:00 GMT; samesite=lax; secure; httponly",
        "__Host-gatehouse=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
      ]
    `)
  })

  test('N-188 a cookie tossed by a neighbour beside ours signs nobody in, and ours alone works again', async () => {
    await using gateway = await startGateway({ settings })
    const { session } = gateway.gateway.cookieNames
    const browser = await signedIn(gateway)
    const mine = sessionCookie(gateway, browser) ?? ''
    const attackers = sessionCookie(gateway, await signedIn(gateway)) ?? ''
    // A sibling's cookie with a longer path comes first in the header; either order must not choose for us.
    for (const cookies of [
      `${session}=${attackers}; ${session}=${mine}`,
      `${session}=${mine}; ${session}=${attackers}`,
    ]) {
      const answer = await fetch(`${gateway.issuer}/account`, {
        headers: { cookie: cookies },
        redirect: 'manual',
      })
      expect([cookies.length, answer.status]).toEqual([cookies.length, 303])
      expect(answer.headers.getSetCookie().some((cookie) => cookie.startsWith(`${session}=`))).toBe(false)
    }
    expect(gateway.logLines.some(({ message }) => message.includes('more than one cookie'))).toBe(true)
    expect(await isSignedIn(gateway, browser)).toBe(true)
  })
})

/** Every Set-Cookie header between an app's request and signing out, in order; values and random names left out. */
async function cookiesOnTheWay({ gateway, port }: TestGateway): Promise<readonly string[]> {
  const base = `http://localhost:${port}`
  const browser = createBrowser()
  const set: string[] = []
  const here = (location: string | undefined): string => (location ?? '').replace(gateway.config.issuer, base)
  const note = (cookies: readonly string[]): void => {
    for (const cookie of cookies) {
      set.push(
        cookie
          .replace(/^([^=]+)=[^;]+/, '$1=…')
          .replaceAll(String(port), 'PORT')
          .replace(/[A-Za-z0-9_-]{43}/g, 'UID'),
      )
    }
  }
  const query = new URLSearchParams({
    client_id: 'wiki',
    redirect_uri: 'https://wiki.example.com/callback',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'c'.repeat(43),
    code_challenge_method: 'S256',
  })
  let page = await browser.get(`${base}/oauth/authorize?${query}`, { follow: false })
  note(page.setCookies)
  for (let hop = 0; hop < 10 && !here(page.location).startsWith('https://wiki'); hop += 1) {
    page =
      page.location !== undefined
        ? await browser.get(here(page.location), { follow: false })
        : page.text.includes('name="password"')
          ? await submitAsOwn(page, { email: ada.email, password: ada.password, remember: 'yes' }, '/sign-in')
          : await submitAsOwn(page, {}, '/sign-in/passkey/skip')
    note(page.setCookies)
  }
  const question = await browser.get(`${base}/sign-out`)
  note((await submitAsOwn(question, { decision: 'sign-out' }, '/sign-out')).setCookies)
  return set

  /** Behind a proxy that ends TLS the page's origin is the issuer, wherever the request arrives. */
  function submitAsOwn(of: typeof page, fields: Record<string, string>, action: string) {
    const form = formOf(of, action)
    return browser.post(
      form.action,
      { ...form.fields, ...fields },
      { follow: false, headers: { origin: gateway.config.issuer } },
    )
  }
}
