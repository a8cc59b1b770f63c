/**
 * The yardstick: oidc-provider as it comes, over a Map in memory, with the same keys, clients and features, and nobody at the door.
 * It stores nothing durably, hashes nothing, limits nothing and tells no app; the gateway is measured against that.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { type Adapter, type AdapterPayload, type JWK, Provider } from 'oidc-provider'
import { clients } from './clients.ts'
import { serveAsContestant } from './contestant.ts'

const stored = new Map<string, AdapterPayload>()
const sessionByUid = new Map<string, string>()

/** The engine's own in-memory adapter keeps 1,000 entries and would lose tokens under load. */
function mapAdapter(model: string): Adapter {
  const key = (id: string): string => `${model}:${id}`
  return {
    upsert: async (id, payload) => {
      stored.set(key(id), payload)
      if (model === 'Session' && payload.uid !== undefined) sessionByUid.set(payload.uid, id)
    },
    find: async (id) => stored.get(key(id)),
    findByUid: async (uid) => stored.get(key(sessionByUid.get(uid) ?? '')),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const payload = stored.get(key(id))
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000)
    },
    destroy: async (id) => {
      stored.delete(key(id))
    },
    revokeByGrantId: async () => {},
  }
}

async function signingKey(alg: 'ES256' | 'RS256'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg } as JWK
}

const listener = createServer()
listener.listen(0, '127.0.0.1')
await once(listener, 'listening')
const issuer = `http://localhost:${(listener.address() as AddressInfo).port}`

const provider = new Provider(issuer, {
  adapter: mapAdapter,
  clients,
  jwks: { keys: [await signingKey('ES256'), await signingKey('RS256')] },
  cookies: { keys: ['bench'] },
  claims: {
    openid: ['sub', 'acr', 'amr', 'auth_time'],
    email: ['email', 'email_verified'],
    profile: ['name'],
  },
  pkce: { required: () => true },
  responseTypes: ['code'],
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  findAccount: async (_ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
  }),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    claimsParameter: { enabled: true },
    backchannelLogout: { enabled: true },
    resourceIndicators: { enabled: false },
  },
  loadExistingGrant: async ({ oidc: { client, session, provider: engine } }) => {
    const known = session?.grantIdFor(client?.clientId ?? '')
    const grant = known === undefined ? undefined : await engine.Grant.find(known)
    if (grant !== undefined) return grant
    const made = new engine.Grant({ clientId: client?.clientId, accountId: session?.accountId })
    made.addOIDCScope('openid email profile offline_access')
    await made.save()
    return made
  },
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    IdToken: 600,
    RefreshToken: 86_400,
    Session: 86_400,
    Grant: 86_400,
    Interaction: 600,
  },
})
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  ctx.respond = false
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'ada' } })
})
listener.on('request', provider.callback())
serveAsContestant(issuer, async () => {
  listener.closeAllConnections()
  listener.close()
  await Promise.resolve()
})
