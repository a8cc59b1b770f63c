import type { AccountId, AppId } from '../kernel/ids.ts'
import type { App } from './app.ts'
import type { Consent } from './consent.ts'

/**
 * Records of apps, and the write of them that takes nothing away. Absence is undefined; a store that cannot answer throws GatewayError `store_unavailable` or `store_full`.
 * `fingerprint` is that of the configuration entry that declares the app (DECISIONS 32); present exactly when `fileOwned`.
 */
export interface AppStore {
  /** False when its id or its client id is taken. */
  insert(app: App, fingerprint?: string): Promise<boolean>
  find(id: AppId): Promise<App | undefined>
  /** All, removed ones too, by id. Operators register apps by hand: hundreds, not millions. */
  list(): Promise<readonly App[]>
  /** Of the apps that the configuration file declares. */
  fingerprints(): Promise<ReadonlyMap<AppId, string>>
}

/**
 * The writes after which a session may be at an app that is no longer open to it. Only `administration/app-writes` is handed them: it
 * ends what was lost in the same transaction (DECISIONS 96).
 */
export interface AppRewrites {
  /** Writes `next` over the version last changed at `wasUpdatedAt`. False when that has changed, is gone, or the client id is taken. */
  replace(next: App, wasUpdatedAt: number, fingerprint?: string): Promise<boolean>
  /** False when there is none. */
  delete(id: AppId): Promise<boolean>
}

/** What people have agreed to, one record for each account and app. */
export interface ConsentStore {
  find(accountId: AccountId, appId: AppId): Promise<Consent | undefined>
  /** Adds to what was agreed before; of two at once neither is lost. */
  grant(consent: Consent): Promise<void>
  /** Newest first; `limit` at most 200. */
  listByAccount(accountId: AccountId, limit: number): Promise<readonly Consent[]>
}

/** Handed to `administration/account-writes` and `administration/app-writes` alone, as the rewrites are. */
export interface ConsentRemovals {
  /** False when there was none. */
  forget(accountId: AccountId, appId: AppId): Promise<boolean>
  forgetApp(appId: AppId): Promise<void>
  forgetAccount(accountId: AccountId): Promise<void>
}
