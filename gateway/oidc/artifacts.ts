/**
 * What the engine sees as its database.
 *
 * The engine reads, decides and writes in separate steps and trusts its adapter with everything that happens between them. So the
 * adapter is where it is made safe: one winner for each code and each refresh token, tokens only under live sessions, revoked
 * grants that stay revoked, and no way at all to bring an ended session back.
 *
 * Owns: how each engine model maps to our records. Relies on: ArtifactStore, SessionRegistry, Ephemeral.
 * Never: stores an id that an app or browser could show (only its SHA-256), or ends a session (the engine's destroy is no end).
 */

import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { minuteMs } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import { absoluteEndAt } from '../sessions/lifetime.ts'
import { offlineEndsAt } from '../sessions/offline-access.ts'
import { type ArtifactsDeps, lifetimeMs, unusedAdapter, withoutSecrets } from './artifact.ts'
import { grantAdapter } from './artifact-grant.ts'
import { sessionAdapter } from './artifact-session.ts'
import { tokenAdapter } from './artifact-token.ts'
import { createFoundTokens } from './found-tokens.ts'
import { mayOutlive } from './offline.ts'
import { createTokenWrites } from './token-writes.ts'

export interface Artifacts {
  /** The engine's factory: one adapter for each of its models. */
  readonly adapter: (model: string) => Adapter
  /** Writes what the current token request has gathered; see token-writes. */
  readonly commit: () => Promise<void>
  /**
   * When a refresh token that is made of what was found in this request ends at the latest (ms): with the SsoSession that it hangs on,
   * or with the offline access that it belongs to.
   */
  readonly refreshEndsAt: (of: { readonly grantId: string; readonly scope: unknown }) => number | undefined
}

/** Creates what the engine sees as its database. */
export function createArtifacts(deps: ArtifactsDeps): Artifacts {
  const found = createFoundTokens()
  const writes = createTokenWrites(deps)
  return {
    commit: writes.commit,
    refreshEndsAt: ({ grantId, scope }) => {
      const token = found.of(grantId)
      if (token === undefined) return undefined
      const now = deps.clock.now()
      const begins =
        token.kind === 'AuthorizationCode' && mayOutlive(deps.apps.find(token.appSession.appId), scope)
      return begins || token.offline !== undefined
        ? offlineEndsAt({ startedAt: now, ...token.offline, lastUsedAt: now }, deps.offlinePolicy)
        : absoluteEndAt(token.ssoSession, deps.sessions.policy)
    },
    adapter: (model) => {
      switch (model) {
        case 'Session':
          return sessionAdapter(deps)
        case 'Grant':
          return grantAdapter(deps, found)
        case 'AuthorizationCode':
        case 'AccessToken':
        case 'RefreshToken':
          return tokenAdapter(deps, model, found, writes)
        case 'Interaction':
        case 'PushedAuthorizationRequest':
          return ephemeralAdapter(deps, model)
        default:
          return unusedAdapter(model)
      }
    },
  }
}

/** Pushed requests and interactions: minutes long, bound to one browser, and nothing is lost with them. */
function ephemeralAdapter(deps: ArtifactsDeps, model: 'Interaction' | 'PushedAuthorizationRequest'): Adapter {
  const space = `oidc-${model}`
  const usedSpace = `${space}-used`
  return {
    ...unusedAdapter(model),
    upsert: async (id, payload, expiresIn) => {
      // A question without its answer is new, and anybody may make the gateway ask one.
      if (model === 'Interaction' && payload['result'] === undefined) await deps.admitInteraction()
      await deps.ephemeral.put(space, digest(id), withoutSecrets(payload), lifetimeMs(expiresIn))
    },
    find: async (id) => {
      const payload = (await deps.ephemeral.get(space, digest(id))) as AdapterPayload | undefined
      return payload === undefined ? undefined : { ...payload, jti: id }
    },
    consume: async (id) => {
      // RFC 9126 section 4: a request_uri is used once; two browsers that bring it at the same time are told apart here.
      if (!(await deps.ephemeral.add(usedSpace, digest(id), true, usedForMs))) {
        throw new errors.InvalidRequestUri('request_uri was already used')
      }
      await deps.ephemeral.take(space, digest(id))
    },
    destroy: async (id) => {
      await deps.ephemeral.take(space, digest(id))
    },
  }
}

/** Far longer than any pushed request lives, so its mark outlasts it. */
const usedForMs = 10 * minuteMs
