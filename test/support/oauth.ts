/**
 * An app that says exactly what a test wants said to an OpenID Connect server, as often and as parallel as it likes. For apps that
 * behave, see `test/apps/sample-app.ts`.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Browser } from './browser.ts'

/** A registered app without a server: nothing listens at its redirect URI, and nothing has to. */
export interface Client {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly endpoints: Endpoints
}

export interface Endpoints {
  readonly authorize: string
  readonly token: string
  readonly userinfo: string
  readonly introspect: string
  readonly par: string
}

/** Where the gateway's endpoints are. */
export function gatewayEndpoints(issuer: string): Endpoints {
  const at = (name: string): string => `${issuer}/oauth/${name}`
  return {
    authorize: at('authorize'),
    token: at('token'),
    userinfo: at('userinfo'),
    introspect: at('introspect'),
    par: at('par'),
  }
}

/** What an authorization came to: a code or an error at the redirect URI, or a page where it stopped. */
export type Authorization =
  | { readonly kind: 'code'; readonly code: string; readonly verifier: string }
  | { readonly kind: 'error'; readonly error: string }
  | { readonly kind: 'page'; readonly status: number; readonly url: string; readonly text: string }

/** The body of an answer of the token, introspection or userinfo endpoint. */
export interface TokenBody {
  readonly access_token?: string
  readonly refresh_token?: string
  readonly id_token?: string
  readonly token_type?: string
  readonly active?: boolean
  readonly sub?: string
  readonly error?: string
  readonly error_description?: string
  readonly request_uri?: string
}

export interface Answer {
  readonly status: number
  readonly body: TokenBody
}

/** One sign-in and a few questions need fewer. */
const maxHops = 10

/** Runs an authorization request with PKCE through to the app's redirect URI. */
export async function authorize(
  browser: Browser,
  client: Client,
  parameters: Record<string, string> = {},
): Promise<Authorization> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({ ...authorizationRequest(client, verifier), ...parameters })
  return follow(browser, client, `${client.endpoints.authorize}?${query}`, verifier)
}

/** The parameters of an authorization request with PKCE. */
export function authorizationRequest(client: Client, verifier: string): Record<string, string> {
  return {
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
}

/** Goes where redirects lead until the app's redirect URI or a page. */
export async function follow(
  browser: Browser,
  client: Client,
  start: string,
  verifier: string,
): Promise<Authorization> {
  let url = start
  for (let hop = 0; hop < maxHops; hop++) {
    const { status, location, text } = await browser.get(url, { follow: false })
    if (location === undefined) return { kind: 'page', status, url, text }
    if (location.startsWith(client.redirectUri)) {
      const answer = new URL(location).searchParams
      const code = answer.get('code')
      return code === null
        ? { kind: 'error', error: answer.get('error') ?? '' }
        : { kind: 'code', code, verifier }
    }
    url = location
  }
  throw new Error(`more than ${maxHops} redirects, the last to ${url}`)
}

/** Authorizes and insists on a code. */
export async function codeFor(
  browser: Browser,
  client: Client,
  parameters: Record<string, string> = {},
): Promise<Extract<Authorization, { kind: 'code' }>> {
  const outcome = await authorize(browser, client, parameters)
  if (outcome.kind !== 'code')
    throw new Error(`no code for ${client.clientId}: ${JSON.stringify(outcome).slice(0, 400)}`)
  return outcome
}

/** Redeems a code. */
export function exchange(
  client: Client,
  { code, verifier }: { readonly code: string; readonly verifier: string },
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(
    client,
    client.endpoints.token,
    {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
    },
    { ...basic(client), ...headers },
  )
}

/** Uses a refresh token. */
export function refresh(client: Client, refreshToken: string): Promise<Answer> {
  return ask(client, client.endpoints.token, { grant_type: 'refresh_token', refresh_token: refreshToken })
}

/** Asks whether a token is alive. */
export async function isActive(client: Client, token: string): Promise<boolean> {
  const { body } = await ask(client, client.endpoints.introspect, { token })
  return body.active === true
}

/** Shows an access token at userinfo; returns the status. */
export async function userinfoStatus(client: Client, accessToken: string): Promise<number> {
  const response = await fetch(client.endpoints.userinfo, {
    headers: { authorization: `Bearer ${accessToken}` },
  })
  await response.arrayBuffer()
  return response.status
}

/** Posts a form with the client's secret, or as whoever `parameters` say. */
export async function ask(
  client: Client,
  url: string,
  parameters: Record<string, string>,
  headers: Record<string, string> = basic(client),
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(parameters).toString(),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as TokenBody) }
}

function basic({ clientId, clientSecret }: Client): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
}

/** The claims of a JWT whose signature is not this test's matter. */
export function claimsOf(token: string | undefined): Readonly<Record<string, unknown>> {
  const [, payload = ''] = (token ?? '').split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}
