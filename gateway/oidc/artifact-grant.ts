import { type Adapter, Provider } from 'oidc-provider'
import type { AppSession } from '../sessions/app-session.ts'
import { type ArtifactsDeps, unusedAdapter } from './artifact.ts'
import type { FoundTokens } from './found-tokens.ts'
import { grantOf } from './grants.ts'

/** Grant: never a row. What an app may have follows from the app and the person's consent at this moment; revoked ones are tombstones. */
export function grantAdapter(deps: ArtifactsDeps, found: FoundTokens): Adapter {
  return {
    ...unusedAdapter('Grant'),
    find: async (grantId) => {
      const appSession = found.of(grantId)?.appSession
      const app = appSession === undefined ? undefined : deps.apps.find(appSession.appId)
      if (appSession === undefined || app === undefined) return undefined
      const granted = await grantOf(deps.consents, app, appSession.accountId)
      // The consent was taken back.
      if (granted.scopes.length === 0) return undefined
      return {
        kind: 'Grant',
        jti: grantId,
        clientId: app.oidc.clientId,
        accountId: appSession.accountId,
        openid: { scope: granted.scopes.join(' '), claims: [...granted.claims] },
        rejected: { openid: { claims: [...granted.refused] } },
      }
    },
    destroy: (grantId) => revokeGrant(deps, grantId, found.of(grantId)?.appSession),
  }
}

/** Revokes everything that came of one authorization, now and later. The first who does writes it down. */
export async function revokeGrant(
  deps: ArtifactsDeps,
  grantId: string,
  appSession: Pick<AppSession, 'appId' | 'accountId'> | undefined,
): Promise<void> {
  const now = deps.clock.now()
  // Kept for as long as anything of the grant could still be shown.
  const { absoluteMs, rememberedAbsoluteMs = absoluteMs } = deps.sessions.policy
  const keepUntil = now + Math.max(absoluteMs, rememberedAbsoluteMs, deps.offlinePolicy.absoluteMs)
  await deps.transaction.run(
    async () => {
      if (!(await deps.store.revokeGrant(grantId, now, keepUntil))) return
      await auditReplay(deps, appSession)
    },
    { durable: true },
  )
}

/** The engine revokes a grant for three reasons; two of them are replays and worth a line in the trail. */
async function auditReplay(
  deps: ArtifactsDeps,
  appSession: Pick<AppSession, 'appId' | 'accountId'> | undefined,
): Promise<void> {
  const grantType = (Provider.ctx?.oidc.params as { grant_type?: unknown } | undefined)?.grant_type
  if (appSession === undefined || (grantType !== 'authorization_code' && grantType !== 'refresh_token'))
    return
  const { appId, accountId } = appSession
  await deps.audit(
    { type: grantType === 'refresh_token' ? 'refresh-token.replayed' : 'code.replayed', appId, accountId },
    { actor: { kind: 'app', appId } },
  )
}
