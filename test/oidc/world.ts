/**
 * A gateway with two people and a handful of apps of every kind, none of which has a server of its own: one receiver takes whatever
 * the gateway or a browser sends to any of them.
 */
import { decodeJwt, type JWTPayload } from 'jose'
import { type Browser, createBrowser, type Page } from '#test/support/browser.ts'
import { startGateway, type TestGateway, type TestGatewayOptions } from '#test/support/gateway.ts'
import { type Client, gatewayEndpoints } from '#test/support/oauth.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'
import { ada, bob, declaredApp, signInOn } from '#test/support/two-apps.ts'
import { type Opened, opened } from './opening.ts'

export interface World extends TestGateway {
  readonly receiver: Receiver
  /** The app as whoever holds its secret. */
  client(id: string): Client
  /** Logout tokens that an app was sent, after everything that is due has been. */
  told(id: string): Promise<readonly JWTPayload[]>
  /** A browser in which a person has signed in at the gateway. */
  signedIn(person?: Credentials): Promise<Browser>
  /** Sends a browser with an app's request and answers the password page where one is shown. */
  signInFrom(
    browser: Browser,
    id: string,
    parameters?: Record<string, string>,
    person?: Credentials,
  ): Promise<Opened>
}

type Credentials = Pick<typeof ada, 'email' | 'password'>

export interface WorldOptions extends TestGatewayOptions {
  /** Apps by their id: what differs from an app of ours. */
  readonly apps?: Readonly<
    Record<string, { readonly app?: Record<string, unknown>; readonly oidc?: Record<string, unknown> }>
  >
}

/** Starts it: by default with `wiki`, which is ours, and `board`, which asks for consent. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { apps = { wiki: {}, board: { app: { first_party: false } } }, ...rest } = options
  const receiver = await openReceiver()
  const at = (id: string): string => `http://127.0.0.1:${receiver.port}/${id}`
  const gateway = await startGateway({
    ...rest,
    settings: {
      accounts: [ada, bob],
      apps: Object.entries(apps).map(([id, { app, oidc }]) => declaredApp(id, at(id), app, oidc)),
      ...options.settings,
    },
  })
  const client = (id: string): Client => ({
    issuer: gateway.issuer,
    clientId: id,
    clientSecret: `${id}-secret-`.repeat(4),
    redirectUri: `${at(id)}/callback`,
    endpoints: gatewayEndpoints(gateway.issuer),
  })
  return {
    ...gateway,
    receiver,
    client,
    told: async (id) => {
      await gateway.gateway.dispatcher.runDue()
      return receiver.received
        .filter(({ path }) => path === `/${id}/backchannel-logout`)
        .map(({ body }) => decodeJwt(new URLSearchParams(body).get('logout_token') ?? ''))
    },
    signedIn: async (person = ada) => {
      const browser = createBrowser()
      await signInOn(browser, await browser.get(`${gateway.issuer}/sign-in`), person)
      return browser
    },
    signInFrom: async (browser, id, parameters = {}, person = ada) => {
      const first = await opened(browser, client(id), parameters)
      return asksForPassword(first.page) ? first.went(await signInOn(browser, first.page, person)) : first
    },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]()
      await receiver[Symbol.asyncDispose]()
    },
  }
}

export function asksForPassword(page: Page): boolean {
  return page.text.includes('name="password"')
}
