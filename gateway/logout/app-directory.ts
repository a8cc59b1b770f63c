import type { AppId } from '../kernel/ids.ts'
import type { Cause } from '../sessions/cause.ts'
import type { AppLifetimePolicy } from '../sessions/lifetime.ts'

/** What the logout engine needs to know of an app, whatever its protocol. */
export interface ToldApp {
  readonly name: string
  /** Its own limits on its AppSessions. */
  readonly sessions: AppLifetimePolicy
  readonly logout: {
    /** For which causes it is told. */
    readonly causes: 'all' | readonly Cause[]
    /** How long its own session may outlive a missed logout; absent when nobody said. */
    readonly localSessionMs?: number
    /** How long one attempt to tell it may take; absent: as long as any. */
    readonly timeoutMs?: number
  }
}

/** Apps by id, from memory. The registry of `apps/` is one. */
export interface AppDirectory {
  /** Undefined for an app that has been deleted. */
  find(id: AppId): ToldApp | undefined
}
