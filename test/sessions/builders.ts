import type {
  AccountId,
  AppId,
  AppSessionId,
  CredentialId,
  LogoutId,
  SsoSessionId,
} from '#gateway/kernel/ids.ts'
import type { AppSession } from '#gateway/sessions/app-session.ts'
import type { Ending, SsoSession } from '#gateway/sessions/sso-session.ts'

export const noon = Date.UTC(2026, 2, 2, 12)

export const ada = 'ada' as AccountId
export const bob = 'bob' as AccountId
export const wiki = 'wiki' as AppId
export const board = 'board' as AppId
export const laptopKey = 'crd_laptop' as CredentialId
export const phoneKey = 'crd_phone' as CredentialId

export const ssoId = (name: string) => `ses_${name}` as SsoSessionId
export const appSessionId = (name: string) => `aps_${name}` as AppSessionId

/** Ada's session at her laptop, begun at noon. */
export function anSsoSession(name = 'laptop', change: Partial<SsoSession> = {}): SsoSession {
  return {
    id: ssoId(name),
    accountId: ada,
    startedAt: noon,
    authenticatedAt: noon,
    lastSeenAt: noon,
    remembered: false,
    acr: 'urn:gatehouse:acr:1',
    amr: ['pwd'],
    credentialIds: [],
    address: '192.0.2.7',
    userAgent: 'Mozilla/5.0',
    ...change,
  }
}

/** The wiki's session under the SsoSession of that name. */
export function anAppSession(
  name = 'wiki',
  of: string = 'laptop',
  change: Partial<AppSession> = {},
): AppSession {
  return {
    id: appSessionId(`${of}-${name}`),
    ssoSessionId: ssoId(of),
    accountId: ada,
    appId: name as AppId,
    sid: `sid-${of}-${name}`,
    startedAt: noon,
    lastSeenAt: noon,
    ...change,
  }
}

export function anEnding(change: Partial<Ending> = {}): Ending {
  return {
    at: noon + 5_000,
    cause: 'admin',
    actor: { kind: 'command-line' },
    logoutId: 'lgo_one' as LogoutId,
    ...change,
  }
}

/** The name that a session's first secret goes by in tests. */
export const secretOf = (name: string) => `secret-of-${name}`
