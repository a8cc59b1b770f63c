/** openid-client as a relying party whose redirect URI nobody listens at: the test reads the answer where it arrives. */
import * as oidc from 'openid-client'
import { type Browser, formOf } from '#test/support/browser.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada } from '#test/support/two-apps.ts'

export const clientSecret = 'a-secret-of-forty-characters-and-no-less'
/** Reserved port 9: nothing ever answers there. */
export const redirectUri = 'http://127.0.0.1:9/callback'
export const signedOutUri = 'http://127.0.0.1:9/signed-out'

/** A gateway that knows ada and these apps, none of which asks for consent. */
export function startGatewayFor(
  apps: Readonly<Record<string, Record<string, unknown>>>,
): Promise<TestGateway> {
  return startGateway({
    settings: {
      accounts: [ada],
      apps: Object.entries(apps).map(([id, metadata]) => ({
        id,
        first_party: true,
        oidc: {
          redirect_uris: [redirectUri],
          post_logout_redirect_uris: [signedOutUri],
          ...(metadata['token_endpoint_auth_method'] === undefined ? { client_secret: clientSecret } : {}),
          ...metadata,
        },
      })),
    },
  })
}

/** What openid-client finds out about the gateway. */
export function discover(
  { issuer }: TestGateway,
  clientId: string,
  options: {
    readonly authentication?: oidc.ClientAuth
    readonly metadata?: Partial<oidc.ClientMetadata>
  } = {},
): Promise<oidc.Configuration> {
  const { authentication = oidc.ClientSecretBasic(clientSecret), metadata } = options
  return oidc.discovery(new URL(issuer), clientId, metadata, authentication, {
    execute: [oidc.allowInsecureRequests],
  })
}

export interface Asked {
  /** Where the browser is to be sent. */
  readonly url: URL
  readonly checks: oidc.AuthorizationCodeGrantChecks
}

/** An authorization request with PKCE, state and nonce; pushed first where that is wanted. */
export async function ask(
  config: oidc.Configuration,
  parameters: Readonly<Record<string, string>> = {},
  options: { readonly pushed?: boolean } = {},
): Promise<Asked> {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const request = {
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  }
  return {
    url: options.pushed
      ? await oidc.buildAuthorizationUrlWithPAR(config, request)
      : oidc.buildAuthorizationUrl(config, request),
    checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  }
}

/** Walks the browser through the gateway until it arrives at the redirect URI: by a redirect, or by a form that posts there. */
export async function answerAt(browser: Browser, { url }: Asked): Promise<URL | Request> {
  let next = url.href
  for (let hop = 0; hop < 10; hop++) {
    const page = await browser.get(next, { follow: false })
    if (page.location?.startsWith(redirectUri) === true) return new URL(page.location)
    if (page.location === undefined) {
      const { action, fields } = formOf(page)
      return new Request(action, { method: 'POST', body: new URLSearchParams(fields) })
    }
    next = page.location
  }
  throw new Error(`the gateway leads nowhere: ${next}`)
}

/** Signs out at the app: the browser goes to the gateway, and the address it is sent on to is returned. */
export async function signOut(
  browser: Browser,
  config: oidc.Configuration,
  idToken: string | undefined,
): Promise<string | undefined> {
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: idToken ?? '',
    post_logout_redirect_uri: signedOutUri,
    state: 'as-it-was',
  })
  return (await browser.get(url.href, { follow: false })).location
}

/** The whole way from a signed-in browser to tokens. */
export async function tokensFor(
  browser: Browser,
  config: oidc.Configuration,
  options: { readonly DPoP?: oidc.DPoPHandle } = {},
): Promise<oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers> {
  const asked = await ask(config)
  return oidc.authorizationCodeGrant(config, await answerAt(browser, asked), asked.checks, {}, options)
}
