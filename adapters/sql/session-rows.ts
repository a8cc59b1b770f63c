import type {
  AccountId,
  AppId,
  AppSessionId,
  CredentialId,
  LogoutId,
  SsoSessionId,
} from '#gateway/kernel/ids.ts'
import type { AppSession } from '#gateway/sessions/app-session.ts'
import type { Acr, Amr } from '#gateway/sessions/assurance.ts'
import type { Actor, Cause } from '#gateway/sessions/cause.ts'
import type { Ending, SessionSecret, SsoSession } from '#gateway/sessions/sso-session.ts'
import type { AppSessionRow, SessionSecretRow, SsoSessionRow } from './schema.ts'

export function endingOf(
  row: Pick<SsoSessionRow, 'ended_at' | 'ended_cause' | 'ended_actor' | 'logout_id'>,
): {
  ended?: Ending
} {
  if (row.ended_at === null) return {}
  return {
    ended: {
      at: row.ended_at,
      cause: row.ended_cause as Cause,
      actor: JSON.parse(row.ended_actor ?? 'null') as Actor,
      logoutId: row.logout_id as LogoutId,
    },
  }
}

export function toSsoSession(row: SsoSessionRow): SsoSession {
  return {
    id: row.id as SsoSessionId,
    accountId: row.account_id as AccountId,
    startedAt: row.started_at,
    authenticatedAt: row.authenticated_at,
    lastSeenAt: row.last_seen_at,
    remembered: row.remembered === 1,
    acr: row.acr as Acr,
    amr: JSON.parse(row.amr) as Amr[],
    credentialIds: JSON.parse(row.credential_ids) as CredentialId[],
    address: row.address,
    userAgent: row.user_agent,
    ...endingOf(row),
  }
}

export function toAppSession(row: AppSessionRow): AppSession {
  return {
    id: row.id as AppSessionId,
    ssoSessionId: row.sso_session_id as SsoSessionId,
    accountId: row.account_id as AccountId,
    appId: row.app_id as AppId,
    sid: row.sid,
    startedAt: row.started_at,
    lastSeenAt: row.last_seen_at,
    ...endingOf(row),
  }
}

export function toSecret(row: Omit<SessionSecretRow, 'tenant'>): SessionSecret {
  return {
    hash: row.hash,
    ssoSessionId: row.sso_session_id as SsoSessionId,
    state: row.state,
    issuedAt: row.issued_at,
    ...(row.superseded_at === null ? {} : { supersededAt: row.superseded_at }),
    seen: row.seen === 1,
  }
}
