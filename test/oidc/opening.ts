/** How an app sends a browser to the gateway, and what it gets back. */
import { randomBytes } from 'node:crypto'
import type { Browser, Page } from '#test/support/browser.ts'
import { type Answer, authorizationRequest, type Client, exchange } from '#test/support/oauth.ts'

/** Where an authorization request has led so far. */
export interface Opened {
  readonly client: Client
  readonly verifier: string
  readonly page: Page
  /** What the app was given at its redirect URI; undefined while the browser is still at a page of the gateway. */
  readonly answer: Readonly<Record<string, string>> | undefined
  /** The same request, after the person has gone on to `page`. */
  went(page: Page): Opened
}

/** Opens an app's authorization request with PKCE. A parameter of `''` is left out. */
export async function opened(
  browser: Browser,
  client: Client,
  parameters: Record<string, string> = {},
): Promise<Opened> {
  const verifier = randomBytes(32).toString('base64url')
  const all = { ...authorizationRequest(client, verifier), state: 'the-state', ...parameters }
  return openedAt(await browser.get(requestUrl(client, all)), client, verifier)
}

/** The address of an authorization request. */
export function requestUrl(client: Client, parameters: Record<string, string>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '')
  return `${client.endpoints.authorize}?${new URLSearchParams(given)}`
}

function openedAt(page: Page, client: Client, verifier: string): Opened {
  const answer = page.url.startsWith(client.redirectUri) ? answerIn(new URL(page.url)) : undefined
  return { client, verifier, page, answer, went: (next) => openedAt(next, client, verifier) }
}

/** In the query, or in the fragment where the app asked for that. */
function answerIn({ search, hash }: URL): Readonly<Record<string, string>> {
  return Object.fromEntries([...new URLSearchParams(search), ...new URLSearchParams(hash.slice(1))])
}

/** Redeems the code that the app was given. */
export function redeemed({ client, verifier, answer, page }: Opened): Promise<Answer> {
  const code = answer?.['code']
  if (code === undefined)
    throw new Error(
      `${client.clientId} got no code: ${JSON.stringify(answer)} ${page.url} ${page.text.slice(0, 300)}`,
    )
  return exchange(client, { code, verifier })
}
