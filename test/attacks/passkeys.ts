/** Passkey ceremonies by hand, through the addresses that the pages' script talks to. */
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { Browser, Page } from '#test/support/browser.ts'
import type { TestGateway } from '#test/support/gateway.ts'
import { type Authorization, authorize, type Client, follow } from '#test/support/oauth.ts'
import type { Lies, SoftwareAuthenticator } from '#test/support/passkey.ts'
import { type JsonAnswer, postJson } from './attacker.ts'

/** Asks for registration options on the account page. */
export async function registrationOptions(
  { issuer }: TestGateway,
  browser: Browser,
): Promise<{ readonly page: Page; readonly answer: JsonAnswer }> {
  const page = await browser.get(`${issuer}/account`)
  return { page, answer: await postJson(browser, page, '/account/passkeys/options', {}) }
}

/** Adds a passkey to the account that is signed in; what the gateway says to it. */
export async function addPasskey(
  gateway: TestGateway,
  browser: Browser,
  authenticator: SoftwareAuthenticator,
  lies: Lies = {},
): Promise<JsonAnswer> {
  const { page, answer } = await registrationOptions(gateway, browser)
  const credential = authenticator.register(creationOptionsOf(answer), lies)
  return postJson(browser, page, '/account/passkeys', { credential })
}

export function creationOptionsOf({ body }: JsonAnswer): PublicKeyCredentialCreationOptionsJSON {
  if (body['options'] === undefined) throw new Error(`no options: ${JSON.stringify(body)}`)
  return body['options'] as PublicKeyCredentialCreationOptionsJSON
}

export function requestOptionsOf({ body }: JsonAnswer): PublicKeyCredentialRequestOptionsJSON {
  if (body['options'] === undefined) throw new Error(`no options: ${JSON.stringify(body)}`)
  return body['options'] as PublicKeyCredentialRequestOptionsJSON
}

export const attemptOf = (page: Page): string => new URL(page.url).searchParams.get('attempt') ?? ''

/** A challenge for the sign-in page that this browser shows. */
export function challengeFor(browser: Browser, page: Page): Promise<JsonAnswer> {
  return postJson(browser, page, '/sign-in/passkey/options', { attempt: attemptOf(page) })
}

/** Answers a challenge on a sign-in page. */
export function answerChallenge(browser: Browser, page: Page, credential: unknown): Promise<JsonAnswer> {
  return postJson(browser, page, '/sign-in/passkey', { attempt: attemptOf(page), credential })
}

/** Opens the sign-in page and answers its challenge; what the gateway says to it. */
export async function signInWithPasskey(
  { issuer }: TestGateway,
  browser: Browser,
  authenticator: SoftwareAuthenticator,
  lies: Lies = {},
): Promise<JsonAnswer> {
  const page = await browser.get(`${issuer}/sign-in`)
  const options = requestOptionsOf(await challengeFor(browser, page))
  return answerChallenge(browser, page, authenticator.assert(options, lies))
}

/** Authorizes at an app that insists on a fresh proof, and gives one with a passkey. */
export async function stepUpWithPasskey(
  { issuer }: TestGateway,
  browser: Browser,
  authenticator: SoftwareAuthenticator,
  client: Client,
): Promise<Authorization> {
  const stopped = await authorize(browser, client, { prompt: 'login' })
  if (stopped.kind !== 'page') throw new Error('nothing was asked')
  const page = await browser.get(stopped.url)
  const options = requestOptionsOf(await challengeFor(browser, page))
  const answer = await answerChallenge(browser, page, authenticator.assert(options))
  const location = String(answer.body['location'])
  return follow(browser, client, new URL(location, issuer).href, '')
}
