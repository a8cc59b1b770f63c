import type { AppId } from '../kernel/ids.ts'
import type { Cause } from '../sessions/cause.ts'
import type { ClientMetadata } from './client-metadata.ts'

/** A registered application. */
export interface App {
  readonly id: AppId
  readonly name: string
  /** Where its tile on the home page leads; without one it has no tile. */
  readonly launchUrl?: string
  /** True: no consent page. */
  readonly firstParty: boolean
  readonly access: AppAccess
  readonly state: 'enabled' | 'disabled'
  /** True: the configuration file declares it, so nothing else may change or remove it. */
  readonly fileOwned: boolean
  readonly sessions: AppSessionRules
  readonly logout: AppLogoutRules
  /** Access that was given for while the person is away outlives the person leaving. Absent: it ends with the session. */
  readonly offline?: 'survives-sign-out'
  readonly oidc: OidcClient
  readonly createdAt: number
  /** Grows with every change, so that of two changes made at once one is refused. */
  readonly updatedAt: number
  /**
   * Set for an app that was removed: disabled for good and listed nowhere, but kept until it has been told of the sessions that
   * ended with it and nothing shows its name any more. Its client id is free again.
   */
  readonly removedAt?: number
}

/** Who may open it. The list is never empty: an empty one would read as "everyone" to some (DECISIONS 45). */
export type AppAccess =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'groups'; readonly groups: readonly string[] }

/** Limits of its AppSessions, tighter than the gateway's; absent ones are the gateway's. */
export interface AppSessionRules {
  readonly idleMs?: number
  readonly absoluteMs?: number
  /** Demanded of the SsoSession at each authorization. */
  readonly acr?: string
}

export interface AppLogoutRules {
  /** For which causes it is told. */
  readonly causes: 'all' | readonly Cause[]
  /** What its own sign-out ends: the person's SsoSession, only this app's part of it, or what the person chooses. */
  readonly appSignsOut: 'everywhere' | 'this-app' | 'ask'
  /** How it is told. Absent: by the gateway itself where it can be, else through the browser. */
  readonly channel?: LogoutChannel
  /** How long one attempt to tell it may take; absent means as long as any. */
  readonly timeoutMs?: number
  /** How long its own session may outlive a missed logout; absent means nobody said. */
  readonly localSessionMs?: number
}

export const logoutChannels = ['back-channel', 'front-channel', 'both'] as const
export type LogoutChannel = (typeof logoutChannels)[number]

export interface OidcClient {
  readonly clientId: string
  /** SHA-256 of the client secret. Absent exactly for clients that have none: public ones and those with keys of their own. */
  readonly secretHash?: string
  readonly metadata: ClientMetadata
}

/** True when a member of `groups` may open the app. */
export function isOpenTo(app: App, groups: readonly string[]): boolean {
  if (app.state === 'disabled') return false
  switch (app.access.kind) {
    case 'everyone':
      return true
    case 'groups':
      return app.access.groups.some((group) => groups.includes(group))
    default:
      return app.access satisfies never
  }
}

/** True when sessions that end for `cause` are told to the app. */
export function isToldOf(app: App, cause: Cause): boolean {
  return app.logout.causes === 'all' || app.logout.causes.includes(cause)
}

/** What operators set. Identity, ownership and times are not among it. */
export type AppSettings = Omit<App, 'id' | 'fileOwned' | 'createdAt' | 'updatedAt' | 'removedAt'>

/** The app with other settings, from `now` on. */
export function changed(app: App, settings: AppSettings, now: number): App {
  const { id, fileOwned, createdAt } = app
  return { ...settings, id, fileOwned, createdAt, updatedAt: Math.max(now, app.updatedAt + 1) }
}
