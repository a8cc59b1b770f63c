import type { Adapter, AdapterPayload } from 'oidc-provider'
import { secondMs, toEpochSeconds } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import type { SsoSessionId } from '../kernel/ids.ts'
import { endsAt } from '../sessions/lifetime.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import { type ArtifactsDeps, unusedAdapter } from './artifact.ts'

/**
 * Session: built from our row at each read. The engine may not write it: joins happen where the code is stored, and the cookie and
 * its secret are ours alone (DECISIONS 2, 3, 10).
 */
export function sessionAdapter(deps: ArtifactsDeps): Adapter {
  const payloadOf = (session: SsoSession, jti: string): AdapterPayload => ({
    kind: 'Session',
    jti,
    uid: session.id,
    accountId: session.accountId,
    loginTs: toEpochSeconds(session.authenticatedAt),
    acr: session.acr,
    amr: [...session.amr],
    iat: toEpochSeconds(session.startedAt),
    exp: Math.ceil(endsAt(session, deps.sessions.policy) / secondMs),
    authorizations: {},
  })
  return {
    ...unusedAdapter('Session'),
    find: async (cookie) => {
      const session = await deps.sessionOfRequest()
      return session === undefined ? undefined : payloadOf(session, cookie)
    },
    findByUid: async (uid) => {
      const session = await deps.sessions.findLive(uid as SsoSessionId)
      return session === undefined ? undefined : payloadOf(session, digest(uid))
    },
    upsert: async () => {},
    destroy: async () => {},
  }
}
