import type { AccountId, SsoSessionId } from '#gateway/kernel/ids.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import type { EndResult } from '#gateway/sessions/ending.ts'
import { type Browser, createBrowser } from './browser.ts'
import { startGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts'
import { type Client, claimsOf, gatewayEndpoints } from './oauth.ts'
import { openReceiver, type Receiver } from './receiver.ts'

/** A server on which races are run: the gateway, or an engine that nobody made safe. */
export interface RaceTarget<Session extends RaceSession = RaceSession> {
  /** Apps that ask nobody for consent. */
  readonly clients: readonly Client[]
  /** A browser with a session of its own. */
  signIn(): Promise<Session>
}

export interface RaceSession {
  readonly browser: Browser
  /** Ends the session from elsewhere, whatever the browser is doing. */
  end(): Promise<unknown>
}

export interface GatewaySession extends RaceSession {
  readonly id: SsoSessionId
  end(): Promise<EndResult>
}

export interface RaceGateway extends TestGateway, RaceTarget<GatewaySession> {
  readonly receiver: Receiver
  /** Every `sid` that a logout token named, in the order in which apps were told. */
  toldSids(): readonly string[]
}

export interface RaceGatewayOptions extends TestGatewayOptions {
  readonly appIds: readonly string[]
  /** More client metadata, by app. */
  readonly oidc?: Readonly<Record<string, Record<string, unknown>>>
}

const account = { id: 'ada', email: 'ada@example.com', name: 'Ada', password: 'correct horse battery' }

/** A gateway with apps that one receiver stands for. Sessions begin without the sign-in page: a thousand passwords would take minutes. */
export async function startRaceGateway(options: RaceGatewayOptions): Promise<RaceGateway> {
  const receiver = await openReceiver()
  const { appIds, oidc = {}, ...rest } = options
  const started = await startGateway({
    ...rest,
    settings: {
      accounts: [account],
      apps: appIds.map((id) => declared(id, receiver.url, oidc[id] ?? {})),
      ...options.settings,
    },
  })
  const { gateway, issuer } = started
  const clients = appIds.map((id) => ({
    issuer,
    clientId: id,
    clientSecret: secretOf(id),
    redirectUri: redirectUriOf(id),
    endpoints: gatewayEndpoints(issuer),
  }))
  return {
    ...started,
    receiver,
    clients,
    toldSids: () =>
      receiver.received.map(({ body }) =>
        String(claimsOf(new URLSearchParams(body).get('logout_token') ?? '')['sid']),
      ),
    signIn: async () => {
      const { session, secret } = await gateway.transaction.run(
        () =>
          gateway.sessions.begin({
            accountId: account.id as AccountId,
            authentication: {
              methods: ['password'],
              amr: ['pwd'],
              acr: oneFactor,
              credentialIds: [],
              at: gateway.clock.now(),
            },
            remembered: false,
            address: '127.0.0.1',
            userAgent: 'races',
          }),
        { durable: true },
      )
      const browser = createBrowser()
      browser.setCookie(issuer, gateway.cookieNames.session, secret)
      const end = () =>
        gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'admin', { kind: 'command-line' })
      return { id: session.id, browser, end }
    },
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]()
      await receiver[Symbol.asyncDispose]()
    },
  }
}

const secretOf = (id: string): string => `${id}-secret-`.repeat(4)
const redirectUriOf = (id: string): string => `http://127.0.0.1/${id}/callback`

function declared(id: string, logoutUri: string, oidc: Record<string, unknown>) {
  return {
    id,
    name: id,
    first_party: true,
    oidc: {
      client_secret: secretOf(id),
      redirect_uris: [redirectUriOf(id)],
      backchannel_logout_uri: `${logoutUri}/${id}`,
      backchannel_logout_session_required: true,
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      ...oidc,
    },
  }
}
