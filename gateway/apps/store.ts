import type { AccountId, AppId } from '../kernel/ids.ts'
import type { App } from './app.ts'
import type { Consent } from './consent.ts'

/**
 * Records of apps. Absence is undefined; a store that cannot answer throws GatewayError `store_unavailable` or `store_full`.
 * `fingerprint` is that of the configuration entry that declares the app (DECISIONS 32); present exactly when `fileOwned`.
 */
export interface AppStore {
  /** False when its id or its client id is taken. */
  insert(app: App, fingerprint?: string): Promise<boolean>
  find(id: AppId): Promise<App | undefined>
  /** All, removed ones too, by id. Operators register apps by hand: hundreds, not millions. */
  list(): Promise<readonly App[]>
  /** Writes `next` over the version last changed at `wasUpdatedAt`. False when that has changed, is gone, or the client id is taken. */
  replace(next: App, wasUpdatedAt: number, fingerprint?: string): Promise<boolean>
  /** False when there is none. */
  delete(id: AppId): Promise<boolean>
  /** Of the apps that the configuration file declares. */
  fingerprints(): Promise<ReadonlyMap<AppId, string>>
}

/** What people have agreed to, one record for each account and app. */
export interface ConsentStore {
  find(accountId: AccountId, appId: AppId): Promise<Consent | undefined>
  /** Adds to what was agreed before; of two at once neither is lost. */
  grant(consent: Consent): Promise<void>
  /** False when there was none. */
  forget(accountId: AccountId, appId: AppId): Promise<boolean>
  /** Newest first; `limit` at most 200. */
  listByAccount(accountId: AccountId, limit: number): Promise<readonly Consent[]>
  forgetApp(appId: AppId): Promise<void>
  forgetAccount(accountId: AccountId): Promise<void>
}
