/** An app that keeps access while people are away, and what it holds. */
import type { AccountId, CredentialId } from '#gateway/kernel/ids.ts'
import { causes } from '#gateway/sessions/cause.ts'
import type { OfflineAccess } from '#gateway/sessions/offline-access.ts'
import type { Browser } from '#test/support/browser.ts'
import { type Answer, type Client, isActive, refresh, userinfoStatus } from '#test/support/oauth.ts'
import { ada } from '#test/support/two-apps.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

export const survives = { app: { offline: 'survives-sign-out' } }

/** Causes with which a person merely leaves, beside all others. */
export const leaving = [
  'app',
  'account',
  'idle',
  'absolute',
  'account-switched',
  'session-limit',
  'upstream',
] as const
export const taking = causes.filter((cause) => !leaving.some((left) => left === cause))

/** A gateway whose wiki keeps access; the board asks for the same and does not keep it. */
export function startAway(options: WorldOptions = {}): Promise<World> {
  return startWorld({ apps: { wiki: survives, board: {} }, ...options })
}

/** What an app holds after a person agreed to access while they are away. */
export interface Held {
  readonly client: Client
  readonly browser: Browser
  readonly answer: Answer
  readonly access: string
  readonly renewal: string
}

/** Asks for it in this browser and agrees. */
export async function agreedAt(browser: Browser, client: Client): Promise<Held> {
  const asked = await opened(browser, client, {
    scope: 'openid email offline_access',
    prompt: 'consent',
    nonce: 'the-nonce',
  })
  const answer = await redeemed(asked.went(await browser.submit(asked.page, { decision: 'allow' })))
  const { access_token: access = '', refresh_token: renewal = '' } = answer.body
  return { client, browser, answer, access, renewal }
}

/** Signs Ada in and lets the app have it. */
export async function agreed(
  world: World,
  id = 'wiki',
  person: Pick<typeof ada, 'email' | 'password'> = ada,
): Promise<Held> {
  return agreedAt(await world.signedIn(person), world.client(id))
}

/** A person whom the configuration file does not own, so that everything may be done to them. */
export const grace = { email: 'grace@example.com', password: 'a password of some length' }

/** Grace, who has left: no session of hers is active, and the wiki keeps its access. `passkeys`: what had opened her session. */
export async function graceIsAway(world: World, passkeys: readonly CredentialId[] = []) {
  const { commands, stores } = world.gateway
  const account = await commands.accounts.create({ ...grace, groups: ['staff'] }, { kind: 'command-line' })
  const held = await agreed(world, 'wiki', grace)
  const [session] = await stores.sessions.listByAccount(account.id, { state: 'active', limit: 9 })
  if (session === undefined) throw new Error('Grace is not signed in')
  await stores.sessions.strengthen(session.id, { ...session, credentialIds: passkeys })
  await leave(world)
  const tokens = await renewed(held, held.renewal)
  return { ...held, account, session, tokens }
}

/** Which of what an app holds anything still believes: asked at introspection and userinfo, not by using it. */
export async function believed(
  { client }: Pick<Held, 'client'>,
  { access_token: access, refresh_token: renewal }: Answer['body'],
): Promise<{ readonly access: boolean; readonly renewal: boolean }> {
  const shown = access !== undefined && (await userinfoStatus(client, access)) === 200
  const known = access !== undefined && (await isActive(client, access))
  if (shown !== known) throw new Error('userinfo and introspection do not agree')
  return { access: shown, renewal: renewal !== undefined && (await isActive(client, renewal)) }
}

/** Refreshes and insists on an answer. */
export async function renewed({ client }: Pick<Held, 'client'>, token: string): Promise<Answer['body']> {
  const { status, body } = await refresh(client, token)
  if (status !== 200) throw new Error(`no new tokens: ${JSON.stringify(body)}`)
  return body
}

/** Ends the session that Ada has, by the one door. */
export async function leave(world: World, cause: (typeof causes)[number] = 'account'): Promise<void> {
  const sessions = await world.gateway.stores.sessions.list({ state: 'active', limit: 100 })
  await world.gateway.endSession({ kind: 'sso-sessions', ids: sessions.map(({ id }) => id) }, cause, {
    kind: 'gateway',
  })
}

/** What apps keep of a person, Ada unless told. */
export function keptOf(
  world: World,
  accountId: AccountId = ada.id as AccountId,
): Promise<readonly OfflineAccess[]> {
  return world.gateway.stores.artifacts.listOffline({ accountId }, 100)
}

/** The client keeps connections; those to a gateway that was stopped fail once each. */
export async function forgetConnections({ issuer }: Pick<World, 'issuer'>): Promise<void> {
  for (let tries = 0; tries < 5; tries++) await fetch(`${issuer}/healthz`).catch(() => undefined)
}
