/** What apps do that counts as use of a session, where the settings say so (DECISIONS 7). */
import { Provider } from 'oidc-provider'
import type { AppSession } from '../sessions/app-session.ts'
import type { ArtifactsDeps } from './artifact.ts'
import type { FoundToken } from './store.ts'

export async function touchAuthorized(deps: ArtifactsDeps, appSession: AppSession): Promise<void> {
  const silent = Provider.ctx?.oidc.prompts.has('none') === true
  const session = await deps.sessionOfRequest()
  if (session !== undefined) await deps.sessions.touch(session, silent ? 'silent' : 'authorize')
  if (!silent || deps.sessions.policy.activity.includes('silent'))
    await deps.sessions.touchAppSession(appSession)
}

export async function touchRefreshed(deps: ArtifactsDeps, token: FoundToken): Promise<void> {
  // What lives without its session uses none.
  if (token.ended || !deps.sessions.policy.activity.includes('refresh')) return
  await deps.sessions.touch(token.ssoSession, 'refresh')
  await deps.sessions.touchAppSession(token.appSession)
}

export async function touchUserinfo(deps: ArtifactsDeps, token: FoundToken): Promise<void> {
  if (
    token.ended ||
    !deps.sessions.policy.activity.includes('userinfo') ||
    Provider.ctx?.oidc.route !== 'userinfo'
  )
    return
  await deps.sessions.touch(token.ssoSession, 'userinfo')
  await deps.sessions.touchAppSession(token.appSession)
}
