/** A person who is signed in to every app of the matrix in one browser, and a gateway that can be started again. */
import { setImmediate } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { Account } from '#gateway/accounts/account.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import type { AppSession } from '#gateway/sessions/app-session.ts'
import type { Cause } from '#gateway/sessions/cause.ts'
import type { Browser } from '#test/support/browser.ts'
import { freePort, startGateway, type TestGateway } from '#test/support/gateway.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { codeFor, exchange, gatewayEndpoints } from '#test/support/oauth.ts'
import { bob, signInAtGateway } from '#test/support/two-apps.ts'
import { type MatrixApps, openMatrixApps } from './apps.ts'

export const operator = { kind: 'command-line' } as const
export const secondPerson = bob

const grace = { email: 'grace@example.com', password: 'a password of some length', name: 'Grace' }
const hopper = { email: 'hopper@example.com', password: 'a password of some length', name: 'Hopper' }

export interface Stage extends AsyncDisposable {
  /** The gateway that runs now. */
  world: TestGateway
  readonly apps: MatrixApps
  readonly person: Account
  /** Where the person has opened every app. */
  readonly browser: Browser
  /** By app: what it calls the session, and the proof that it was given. */
  readonly opened: ReadonlyMap<string, { readonly sid: string; readonly idToken: string }>
  /** Another browser in which the person signs in. */
  elsewhere(): Promise<Browser>
  /** A browser in which an operator signs in. */
  operatorsBrowser(): Promise<Browser>
  /** What is stored of the session at one app. */
  appSession(appId: string): Promise<AppSession>
  /** Starts the gateway again over the same data; `declaring`: with other apps in its file. */
  restart(declaring?: readonly Record<string, unknown>[]): Promise<void>
}

/** Signs in and opens everything. */
export async function openStage(cause: Cause, settings: Record<string, unknown> = {}): Promise<Stage> {
  const apps = await openMatrixApps(cause)
  const clock = createManualClock()
  const port = await freePort()
  let declared = apps.all.map((app) => app.declared)
  const start = (folder?: string) =>
    startGateway({
      port,
      clock,
      ...(folder === undefined ? {} : { folder }),
      settings: { accounts: [bob], apps: declared, ...settings },
    })
  const world = await start()
  const { accounts } = world.gateway.commands
  const person = await accounts.create({ ...grace, groups: ['staff'] }, operator)
  await accounts.create({ ...hopper, operator: true }, operator)
  const browser = await signIn(world, grace)
  const opened = new Map<string, { readonly sid: string; readonly idToken: string }>()
  for (const { id, url } of apps.all) opened.set(id, await open(world, browser, id, url))

  const stage: Stage = {
    world,
    apps,
    person,
    browser,
    opened,
    elsewhere: () => signIn(stage.world, grace),
    operatorsBrowser: () => signIn(stage.world, hopper),
    appSession: async (appId) => {
      const { sessions } = stage.world.gateway.stores
      const found = await sessions.findAppSessionBySid(appId as AppId, opened.get(appId)?.sid ?? '')
      if (found === undefined) throw new Error(`${appId} has no session`)
      return found
    },
    restart: async (declaring = declared) => {
      declared = [...declaring]
      await stage.world.stop()
      // Lets browsers notice that their connections were closed, so that none of them asks over a dead one.
      for (let turn = 0; turn < 3; turn++) await setImmediate()
      stage.world = await start(stage.world.folder)
    },
    [Symbol.asyncDispose]: async () => {
      await stage.world[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
      await apps[Symbol.asyncDispose]()
    },
  }
  return stage
}

function signIn(world: TestGateway, who: { readonly email: string; readonly password: string }) {
  return signInAtGateway(world, { ...bob, id: '', groups: [], ...who })
}

async function open({ issuer }: TestGateway, browser: Browser, id: string, url: string) {
  const client = {
    issuer,
    clientId: id,
    clientSecret: `${id}-secret-`.repeat(4),
    redirectUri: `${url}/callback`,
    endpoints: gatewayEndpoints(issuer),
  }
  const { body } = await exchange(client, await codeFor(browser, client))
  const idToken = body.id_token ?? ''
  return { sid: decodeJwt<{ sid: string }>(idToken).sid, idToken }
}
