/** What an attacker has: the credentials of an app, somebody's cookie, a socket, and the time to write requests by hand. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Account } from '#gateway/accounts/account.ts'
import { type Browser, createBrowser, type Page } from '#test/support/browser.ts'
import type { TestGateway } from '#test/support/gateway.ts'
import { type Client, gatewayEndpoints } from '#test/support/oauth.ts'
import { ada, signInAtGateway, type TwoApps } from '#test/support/two-apps.ts'

export const operator = { kind: 'command-line' } as const

/** A person whom the configuration file does not own, so that they can change their password. */
export const grace = { email: 'grace@example.com', password: 'a password of some length' }

export function addGrace({ gateway }: TestGateway): Promise<Account> {
  return gateway.commands.accounts.create({ ...grace, name: 'Grace' }, operator)
}

/** One of the two apps, to be spoken for by hand. */
export function clientOf(all: TwoApps, id: 'wiki' | 'board'): Client {
  return {
    issuer: all.issuer,
    clientId: id,
    clientSecret: `${id}-secret-`.repeat(4),
    redirectUri: `${all[id].url}/callback`,
    endpoints: gatewayEndpoints(all.issuer),
  }
}

/** A browser in which a person, Ada unless told, has signed in at the gateway. */
export function signedIn(
  gateway: TestGateway,
  person: { readonly email: string; readonly password: string } = ada,
  browser?: Browser,
): Promise<Browser> {
  return signInAtGateway(gateway, { ...ada, ...person }, browser)
}

/** The value of the session cookie in this browser. */
export function sessionCookie({ gateway, issuer }: TestGateway, browser: Browser): string | undefined {
  return browser.cookiesFor(issuer).get(gateway.cookieNames.session)
}

/** A browser that shows this session cookie and no other. */
export function browserWith({ gateway, issuer }: TestGateway, cookie: string): Browser {
  const browser = createBrowser()
  browser.setCookie(issuer, gateway.cookieNames.session, cookie)
  return browser
}

/** Whether a browser that shows nothing but this session cookie gets to see an account. */
export async function opens(gateway: TestGateway, cookie: string): Promise<boolean> {
  return isSignedIn(gateway, browserWith(gateway, cookie))
}

export async function isSignedIn({ issuer }: TestGateway, browser: Browser): Promise<boolean> {
  const page = await browser.get(`${issuer}/account`, { follow: false })
  if (page.status !== 200 && page.status !== 303) throw new Error(`/account answers ${page.status}`)
  return page.status === 200
}

export interface JsonAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Posts JSON as a script of `page` does, with whatever headers differ. */
export async function postJson(
  browser: Browser,
  page: Page,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<JsonAnswer> {
  const url = new URL(path, page.url)
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      origin: url.origin,
      'sec-fetch-site': 'same-origin',
      'x-csrf': /<meta name="csrf" content="([^"]*)"/.exec(page.text)?.[1] ?? '',
      cookie: [...browser.cookiesFor(url.href)].map(([name, value]) => `${name}=${value}`).join('; '),
      ...headers,
    },
    body: JSON.stringify(body),
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [pair = ''] = cookie.split(';')
    const equals = pair.indexOf('=')
    browser.setCookie(url.href, pair.slice(0, equals), pair.slice(equals + 1))
  }
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}

/** Writes bytes to the gateway's socket and gives back everything that came before the connection closed. */
export async function sendRaw(port: number, ...parts: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
  })
  // Closed under our hands is an answer too.
  socket.on('error', () => undefined)
  for (const part of parts) socket.write(part, 'latin1')
  await once(socket, 'close')
  return received
}

/** A request by hand, its lines joined as HTTP wants them; the connection is closed after the answer. */
export function rawRequest(lines: readonly string[], body = ''): string {
  return `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
}

/** Signs out on the gateway's own page. */
export async function signOut({ issuer }: TestGateway, browser: Browser): Promise<Page> {
  const question = await browser.get(`${issuer}/sign-out`)
  return browser.submit(question, { decision: 'sign-out' }, { action: '/sign-out' })
}

/** What no answer may hold: how we are made inside, and where it broke. */
export function tracesIn(answer: string): readonly string[] {
  return (
    answer.match(
      /\.[jt]s:\d+|\b\w*Error:|node:internal|node_modules|SQLITE_\w+|\bselect \w+ from\b|\/work\/|\bat async\b/gi,
    ) ?? []
  )
}
