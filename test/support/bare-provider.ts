/**
 * oidc-provider over an adapter that trusts it: each call does what its name says, and between two calls anything may happen. It
 * is what the gateway would be without its adapter. The races are run against it too, to show that they can be lost.
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { type Adapter, type AdapterPayload, type ClientMetadata, Provider } from 'oidc-provider'
import { freePort } from './gateway.ts'
import type { Client } from './oauth.ts'

export interface BareProvider extends AsyncDisposable {
  readonly issuer: string
  readonly clients: readonly Client[]
  /** Ends a session as an operator would: deletes it, whatever is in flight. */
  endSessionOf(accountId: string): Promise<void>
  /** Signs whoever comes in under this name without a question; undefined signs nobody in. */
  nextPerson(accountId: string | undefined): void
}

export interface BareProviderOptions {
  readonly clientIds: readonly string[]
  /** Awaited before each call of the adapter, as a database over a network would be. */
  readonly pause: () => Promise<void>
}

const secretOf = (clientId: string): string => `${clientId}-secret-`.repeat(4)
const redirectUriOf = (clientId: string): string => `http://127.0.0.1/${clientId}/callback`

/** Starts it on loopback. */
export async function startBareProvider({ clientIds, pause }: BareProviderOptions): Promise<BareProvider> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const rows = new Map<string, AdapterPayload>()
  let person: string | undefined

  const provider = new Provider(issuer, {
    adapter: (model) => naiveAdapter(model, rows, pause),
    clients: clientIds.map(metadataOf),
    jwks: { keys: [await signingKey()] },
    cookies: { keys: ['races'] },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    pkce: { required: () => true },
    responseTypes: ['code'],
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    claims: { openid: ['sub'], email: ['email'] },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: { enabled: false },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      dPoP: { enabled: true },
    },
    // Nobody is asked for consent: as for the gateway's own apps.
    loadExistingGrant: async ({ oidc: { client, session, provider: engine } }) => {
      const known = session?.grantIdFor(client?.clientId ?? '')
      const grant = known === undefined ? undefined : await engine.Grant.find(known)
      if (grant !== undefined) return grant
      const made = new engine.Grant({ clientId: client?.clientId, accountId: session?.accountId })
      made.addOIDCScope('openid email')
      await made.save()
      return made
    },
  })
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next()
    if (person === undefined) {
      ctx.body = 'Who are you?'
      return
    }
    ctx.respond = false
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: person } })
  })

  const server: Server = provider.listen(port, '127.0.0.1')
  if (!server.listening) await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  if (bound !== port) throw new Error(`listening on ${bound} and not on ${port}`)
  return {
    issuer,
    clients: clientIds.map((clientId) => ({
      issuer,
      clientId,
      clientSecret: secretOf(clientId),
      redirectUri: redirectUriOf(clientId),
      endpoints: {
        authorize: `${issuer}/auth`,
        token: `${issuer}/token`,
        userinfo: `${issuer}/me`,
        introspect: `${issuer}/token/introspection`,
        par: `${issuer}/request`,
      },
    })),
    nextPerson: (accountId) => {
      person = accountId
    },
    endSessionOf: async (accountId) => {
      const uid = [...rows].find(
        ([key, row]) => key.startsWith('Session:') && row.accountId === accountId,
      )?.[1].uid
      if (uid !== undefined) await (await provider.Session.findByUid(uid))?.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function metadataOf(clientId: string): ClientMetadata {
  return {
    client_id: clientId,
    client_secret: secretOf(clientId),
    redirect_uris: [redirectUriOf(clientId)],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  }
}

async function signingKey() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'only' } as const
}

/** As the engine's documentation shows it: read, decide, write, each on its own. */
function naiveAdapter(model: string, rows: Map<string, AdapterPayload>, pause: () => Promise<void>): Adapter {
  const key = (id: string): string => `${model}:${id}`
  const read = async (wanted: (key: string, row: AdapterPayload) => boolean) => {
    await pause()
    const row = [...rows].find(([at, payload]) => wanted(at, payload))?.[1]
    return row === undefined ? undefined : structuredClone(row)
  }
  const ofModel = (at: string): boolean => at.startsWith(`${model}:`)
  return {
    upsert: async (id, payload) => {
      const row = structuredClone(payload)
      await pause()
      rows.set(key(id), row)
    },
    find: (id) => read((at) => at === key(id)),
    findByUid: (uid) => read((at, row) => ofModel(at) && row.uid === uid),
    findByUserCode: (userCode) => read((at, row) => ofModel(at) && row.userCode === userCode),
    consume: async (id) => {
      await pause()
      const row = rows.get(key(id))
      if (row !== undefined) rows.set(key(id), { ...row, consumed: Math.floor(Date.now() / 1_000) })
    },
    destroy: async (id) => {
      await pause()
      rows.delete(key(id))
    },
    revokeByGrantId: async (grantId) => {
      await pause()
      for (const [at, row] of rows) if (ofModel(at) && row.grantId === grantId) rows.delete(at)
    },
  }
}
