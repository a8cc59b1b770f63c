import type { AppId, LogoutId } from '../kernel/ids.ts'

/** A Logout on its way through one browser. */
export interface Journey {
  readonly logoutId: LogoutId
  /** SHA-256 of the secret that tells this browser from every other: only it may watch and carry on. */
  readonly browserHash: string
  /** The app that asked for the sign-out. */
  readonly appId?: AppId
  /** Where the browser goes afterwards: a path of ours, or an address that is registered for the app, with its `state`. */
  readonly continueTo?: string
  readonly startedAt: number
  readonly expiresAt: number
}

/** Journeys. A row each, so that a reload, a second tab, a crash or a restart finds what is left to do. */
export interface JourneyStore {
  /** Inside the transaction that ends the session: the browser can carry on whatever happens after the commit. Once for each Logout. */
  insert(journey: Journey): Promise<void>
  find(id: LogoutId): Promise<Journey | undefined>
  /** The newest journey of this browser in which it still has an app to tell at `now`. */
  findOpen(browserHash: string, now: number): Promise<Journey | undefined>
  /** Deletes up to `limit` that expired before `now`. Returns how many. */
  deleteExpired(now: number, limit: number): Promise<number>
}
