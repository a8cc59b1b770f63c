/**
 * People with live sessions at several apps, and what is left of them after a change: which sessions ended and why, who was told, and
 * which tokens still work. Everybody comes in by the front door; the apps hear on a real socket.
 */
import { setImmediate } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import type { Account } from '#gateway/accounts/account.ts'
import type { App } from '#gateway/apps/app.ts'
import { digest } from '#gateway/kernel/digest.ts'
import type { AppId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { Actor, Cause } from '#gateway/sessions/cause.ts'
import { anApp } from '#test/apps/builders.ts'
import { isSignedIn, sessionCookie } from '#test/attacks/attacker.ts'
import { addPasskey, signInWithPasskey } from '#test/attacks/passkeys.ts'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { freePort, startGateway, type TestGateway } from '#test/support/gateway.ts'
import { type Client, codeFor, exchange, gatewayEndpoints, userinfoStatus } from '#test/support/oauth.ts'
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '#test/support/passkey.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'
import { declaredApp, signInAtGateway } from '#test/support/two-apps.ts'

export const operator = { kind: 'command-line' } as const

/** Not of the configuration file; has a passkey, which the phone signed in with. */
export const grace = { email: 'grace@example.com', password: 'a password of some length', name: 'Grace' }
/** Of the file. */
export const ada = {
  id: 'ada',
  email: 'ada@example.com',
  name: 'Ada',
  password: 'correct horse battery',
  groups: ['staff'],
}
/** Of the file, and in one group more than the others: what he has lives on. */
export const bob = {
  id: 'bob',
  email: 'bob@example.com',
  name: 'Bob',
  password: 'another long password',
  groups: ['staff', 'board'],
}

/** Two of the file, one that an operator registered. */
export const appIds = ['wiki', 'desk', 'notes'] as const
export const browsers = ['laptop', 'phone', 'ada', 'bob'] as const
export type BrowserName = (typeof browsers)[number]

/** A session at the gateway by its browser, an AppSession as `laptop/wiki`. */
export type Ends = Readonly<Record<string, Cause>>

interface Live {
  readonly name: BrowserName
  readonly browser: Browser
  readonly session: SsoSessionId
  /** By app: what the app calls the session, and a token that it was given. */
  readonly apps: ReadonlyMap<string, { readonly sid: string; readonly accessToken: string }>
}

/** What stands in the file besides the issuer; a change of it is a restart. */
export interface File {
  readonly accounts: readonly Record<string, unknown>[]
  readonly apps: readonly Record<string, unknown>[]
}

export interface Lives extends AsyncDisposable {
  world: TestGateway
  readonly file: File
  readonly grace: Account
  readonly authenticator: SoftwareAuthenticator
  readonly browsers: Readonly<Record<BrowserName, Browser>>
  readonly sessions: Readonly<Record<BrowserName, SsoSessionId>>
  /** Starts the gateway again over the same data with another file. */
  restartWith(file: File): Promise<void>
  /** Fails unless exactly this has ended, by `by`, and its apps were told once each, and everything else lives. */
  expectEnded(ends: Ends, by: Actor['kind']): Promise<void>
}

export interface LivesOptions {
  readonly seed?: number
  readonly realTime?: boolean
}

/** Everyone signs in and opens every app. */
export async function startLives(options: LivesOptions = {}): Promise<Lives> {
  const receiver = await openReceiver()
  const at = (id: string): string => `http://127.0.0.1:${receiver.port}/${id}`
  const file: File = {
    accounts: [ada, bob],
    apps: [declaredApp('wiki', at('wiki')), declaredApp('desk', at('desk'), { access: ['staff'] })],
  }
  const port = await freePort()
  const start = (settings: File, more: { readonly folder?: string } = {}) =>
    startGateway({ ...options, ...more, port, settings: { ...settings } })
  const world = await start(file)
  const { commands } = world.gateway
  const account = await commands.accounts.create({ ...grace, groups: ['staff'] }, operator)
  const { secret = '' } = await commands.apps.add(notesAt(at('notes')), operator)
  const clients = appIds.map((id) => clientAt(world.issuer, id, at(id), secret))

  const authenticator = createSoftwareAuthenticator({ origin: world.issuer })
  const laptop = await signInAtGateway(world, { ...ada, ...grace })
  await addPasskey(world, laptop, authenticator)
  const phone = createBrowser()
  await signInWithPasskey(world, phone, authenticator)
  const all = {
    laptop,
    phone,
    ada: await signInAtGateway(world, ada),
    bob: await signInAtGateway(world, bob),
  }
  const live: Live[] = []
  for (const name of browsers) live.push(await opensAll(world, name, all[name], clients))

  const lives: Lives = {
    world,
    file,
    grace: account,
    authenticator,
    browsers: all,
    sessions: Object.fromEntries(live.map(({ name, session }) => [name, session])) as Lives['sessions'],
    restartWith: async (next) => {
      const { folder } = lives.world
      await lives.world.stop()
      // Lets browsers notice that their connections were closed, so that none of them asks over a dead one.
      for (let turn = 0; turn < 3; turn++) await setImmediate()
      lives.world = await start(next, { folder })
    },
    expectEnded: async (ends, by) => {
      const { gateway } = lives.world
      const wanted = spelledOut(ends)
      expect(await endedOf(lives.world, live, by)).toEqual(wanted)
      await gateway.dispatcher.runDue()
      const apps = Object.keys(wanted).filter((name) => name.includes('/'))
      expect(toldBy(receiver, live)).toEqual(apps.toSorted())
      for (const { name, browser, apps: opened } of live) {
        expect([name, await isSignedIn(lives.world, browser)]).toEqual([name, wanted[name] === undefined])
        for (const client of clients) {
          const place = `${name}/${client.clientId}`
          const status = await userinfoStatus(client, opened.get(client.clientId)?.accessToken ?? '')
          // An app that is gone cannot ask any more; whoever is there and ended is told that its token is nothing.
          expect([place, status]).toEqual([place, wanted[place] === undefined ? 200 : 401])
        }
      }
    },
    [Symbol.asyncDispose]: async () => {
      await lives.world[Symbol.asyncDispose]()
      world.clock[Symbol.dispose]()
      await receiver[Symbol.asyncDispose]()
    },
  }
  return lives
}

/** An app's settings without its identity, to be changed. */
export async function settingsOf({ gateway }: TestGateway, id: string) {
  const app = await gateway.stores.apps.find(id as AppId)
  if (app === undefined) throw new Error(`there is no ${id}`)
  const { id: _i, state: _s, fileOwned: _f, createdAt: _c, updatedAt: _u, removedAt: _r, ...settings } = app
  return settings
}

/** An app as an operator registers it. */
export function notesAt(url: string, access: App['access'] = { kind: 'everyone' }) {
  const { id: _i, state: _s, fileOwned: _f, createdAt: _c, updatedAt: _u, ...app } = anApp()
  const addresses = {
    redirect_uris: [`${url}/callback`],
    backchannel_logout_uri: `${url}/backchannel-logout`,
  }
  const { metadata } = app.oidc
  return { ...app, id: 'notes', name: 'Notes', access, oidc: { metadata: { ...metadata, ...addresses } } }
}

function clientAt(issuer: string, id: string, url: string, notesSecret: string): Client {
  return {
    issuer,
    clientId: id,
    clientSecret: id === 'notes' ? notesSecret : `${id}-secret-`.repeat(4),
    redirectUri: `${url}/callback`,
    endpoints: gatewayEndpoints(issuer),
  }
}

async function opensAll(
  world: TestGateway,
  name: BrowserName,
  browser: Browser,
  clients: readonly Client[],
): Promise<Live> {
  const apps = new Map<string, { readonly sid: string; readonly accessToken: string }>()
  for (const client of clients) {
    const { body } = await exchange(client, await codeFor(browser, client))
    const { sid } = decodeJwt<{ sid: string }>(body.id_token ?? '')
    apps.set(client.clientId, { sid, accessToken: body.access_token ?? '' })
  }
  const found = await world.gateway.stores.sessions.findBySecret(digest(sessionCookie(world, browser) ?? ''))
  if (found === undefined) throw new Error(`${name} is not signed in`)
  return { name, browser, session: found.session.id, apps }
}

/** A whole session is written as its browser alone, and takes its AppSessions with it. */
function spelledOut(ends: Ends): Ends {
  return Object.fromEntries(
    Object.entries(ends).flatMap(([name, cause]) =>
      name.includes('/') ? [[name, cause]] : [[name, cause], ...appIds.map((id) => [`${name}/${id}`, cause])],
    ),
  )
}

async function endedOf(
  { gateway }: TestGateway,
  live: readonly Live[],
  by: Actor['kind'],
): Promise<Record<string, Cause>> {
  const { sessions } = gateway.stores
  const ended: Record<string, Cause> = {}
  for (const { name, session, apps } of live) {
    const found = await sessions.find(session)
    if (found?.ended !== undefined) {
      expect([name, found.ended.actor.kind]).toEqual([name, by])
      ended[name] = found.ended.cause
    }
    for (const { appId, sid, ended: end } of await sessions.appSessionsOf([session], 'any')) {
      expect(sid).toBe(apps.get(appId)?.sid)
      if (end === undefined) continue
      expect([`${name}/${appId}`, end.actor.kind]).toEqual([`${name}/${appId}`, by])
      ended[`${name}/${appId}`] = end.cause
    }
  }
  return ended
}

/** Who got a logout token, for which session; once for each token. */
function toldBy({ received }: Receiver, live: readonly Live[]): readonly string[] {
  return received
    .map(({ path, body }) => {
      const [, app = ''] = path.split('/')
      const { sid } = decodeJwt<{ sid: string }>(new URLSearchParams(body).get('logout_token') ?? '')
      const whose = live.find(({ apps }) => apps.get(app)?.sid === sid)
      return `${whose?.name ?? 'nobody'}/${app}`
    })
    .toSorted()
}
