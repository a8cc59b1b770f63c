/** Every address that the gateway calls by itself, each called by what an app, a person or an operator does. */
import { generateKeyPair, SignJWT } from 'jose'
import type { EgressOutcome } from '#gateway/kernel/egress.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { newId } from '#gateway/kernel/ids.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import { startGateway, type TestGateway, type TestGatewayOptions } from '#test/support/gateway.ts'
import { type Answer, ask, authorizationRequest, gatewayEndpoints } from '#test/support/oauth.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'

/** Away from loopback, so that loopback is closed like any other inner address. */
export const publicIssuer = 'https://login.example.com'

const operator = { kind: 'command-line' } as const
const webhookSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export interface Calling extends AsyncDisposable {
  readonly gateway: TestGateway
  /** What came of each request that the gateway sent, in order. */
  readonly outcomes: readonly EgressOutcome[]
  /** Makes the gateway call one of the addresses, and gives back what whoever made it sees. */
  call(which?: number, headers?: Record<string, string>): Promise<string>
}

/** A gateway whose apps have these addresses, one each. Only the first is the webhook's. */
export type Way = (addresses: readonly string[], options?: TestGatewayOptions) => Promise<Calling>

/** A person signs out who has the app open. */
const backChannel: Way = (addresses, options) =>
  calling({ apps: addresses.map(backChannelAt) }, options, async (gateway, id) => {
    const { logoutId } = await endSessionsAt(gateway, id)
    await gateway.gateway.dispatcher.runDue()
    if (logoutId === undefined) throw new Error('nothing ended')
    return shown(await gateway.gateway.reports.find(logoutId))
  })

/** An operator has the app's logout checked. */
const appCheck: Way = (addresses, options) =>
  calling({ apps: addresses.map(backChannelAt) }, options, async ({ gateway }, id) =>
    shown(await gateway.commands.checkApp(id, operator)),
  )

/** The app signs in with a key of its own. */
const jwks: Way = (addresses, options) => {
  const apps = addresses.map((jwks_uri) => ({
    client_secret: undefined,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri,
  }))
  return calling({ apps }, options, async (gateway, id, headers) => shown(await pushed(gateway, id, headers)))
}

/** An app cannot be told, and the operator's webhook hears of it. */
const webhook: Way = ([address], options) =>
  calling({ apps: [backChannelAt(undefined)], webhook: address }, options, async (gateway, id) => {
    const { sender } = gateway.gateway.webhook ?? {}
    await endSessionsAt(gateway, id)
    await sender?.runDue()
    gateway.clock.advance({ minutes: 1 })
    await sender?.runDue()
    return ''
  })

export const ways: Readonly<Record<string, Way>> = {
  backchannel_logout_uri: backChannel,
  'the check of an app': appCheck,
  jwks_uri: jwks,
  'the webhook': webhook,
}

const backChannelAt = (backchannel_logout_uri: string | undefined) => ({ backchannel_logout_uri })
const idOf = (which: number): AppId => `called${which}` as AppId

async function calling(
  of: { readonly apps: readonly Record<string, unknown>[]; readonly webhook?: string | undefined },
  options: TestGatewayOptions = {},
  call: (gateway: TestGateway, id: AppId, headers: Record<string, string>) => Promise<string>,
): Promise<Calling> {
  const gateway = await startGateway({
    ...options,
    settings: {
      issuer: publicIssuer,
      accounts: [ada],
      apps: of.apps.map((oidc, which) => declaredApp(idOf(which), 'https://called.example', {}, oidc)),
      ...(of.webhook === undefined
        ? {}
        : { logout: { webhook: { url: of.webhook, secret: webhookSecret } } }),
      ...options.settings,
    },
  })
  const outcomes: EgressOutcome[] = []
  const { egress } = gateway.gateway
  const send = egress.send.bind(egress)
  egress.send = async (request) => {
    const outcome = await send(request)
    outcomes.push(outcome)
    return outcome
  }
  return {
    gateway,
    outcomes,
    call: (which = 0, headers = {}) => call(gateway, idOf(which), headers),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
}

/** Ada has the app open, and her sessions end. */
async function endSessionsAt({ gateway }: TestGateway, appId: AppId) {
  const accountId = 'ada' as AccountId
  const at = gateway.clock.now()
  const authentication = {
    methods: ['password'],
    amr: ['pwd'],
    acr: oneFactor,
    credentialIds: [],
    at,
  } as const
  const { session } = await gateway.transaction.run(
    () =>
      gateway.sessions.begin({
        accountId,
        authentication,
        remembered: false,
        address: '192.0.2.1',
        userAgent: 'Test',
      }),
    { durable: true },
  )
  await gateway.sessions.join({
    id: newId('appSession', gateway.random),
    ssoSessionId: session.id,
    accountId,
    appId,
    sid: gateway.random.bytes(16).toString('hex'),
  })
  return gateway.endSession({ kind: 'account', accountId }, 'admin', operator)
}

/** Pushes a request, which takes nothing but the proof of who asks. */
async function pushed(gateway: TestGateway, id: AppId, headers: Record<string, string>): Promise<Answer> {
  const { privateKey } = await generateKeyPair('ES256')
  const now = Math.floor(gateway.clock.now() / 1_000)
  const { issuer } = gateway.gateway.config
  const assertion = await new SignJWT({ iss: id, sub: id, aud: issuer, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuedAt(now)
    .setExpirationTime(now + 60)
    .sign(privateKey)
  const client = {
    issuer,
    clientId: id,
    clientSecret: '',
    redirectUri: 'https://called.example/callback',
    endpoints: gatewayEndpoints(gateway.issuer),
  }
  const proof = {
    client_assertion: assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  }
  const request = authorizationRequest(client, 'v'.repeat(43))
  return ask(client, client.endpoints.par, { ...request, ...proof }, headers)
}

function shown(what: unknown): string {
  return JSON.stringify(what)
}
