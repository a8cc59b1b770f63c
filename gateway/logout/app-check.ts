/**
 * What a check of an app's way to be told says, whatever the app's protocol. `oidc/logout-check` makes one; the command line, the
 * console and the API show the same one.
 */
import type { AppId } from '../kernel/ids.ts'

/** Tries the app's logout endpoint out with messages about a session that does not exist. Throws GatewayError `app_not_found`. */
export type AppCheck = (appId: AppId) => Promise<AppCheckReport>

export interface AppCheckReport {
  readonly appId: AppId
  readonly appName: string
  readonly checkedAt: number
  /** Where it is told; absent when the gateway does not tell it by itself. */
  readonly url?: string
  readonly outcome: AppCheckOutcome
  /** What came of it, and what that means, in whole sentences. */
  readonly summary: string
  /** Whether it could be reached at all; absent when there was nothing to reach. */
  readonly connection?: AppConnection
  /** In the order in which they were tried; empty when it could not be reached. */
  readonly cases: readonly AppCheckCase[]
}

export type AppCheckOutcome =
  /** Every case passed. */
  | 'passed'
  /** Nothing failed, and something could be better. */
  | 'advice'
  | 'failed'
  | 'unreachable'
  /** The gateway itself does not tell it: it has no address for that, or is told through the browser alone. */
  | 'no-back-channel'

export type AppConnection =
  | { readonly kind: 'reached'; readonly durationMs: number }
  | {
      readonly kind: 'unreachable'
      /** Why, as a sentence. */
      readonly reason: string
      /** What to do about it, as sentences. */
      readonly remedy: string
      /** For operators: host, port, code. */
      readonly detail: string
      readonly durationMs: number
    }

export interface AppCheckCase {
  /** Such as `bad-signature`; stable, for programs. */
  readonly id: string
  /** Such as `signed by a key that is not ours`. */
  readonly title: string
  readonly verdict: AppCheckVerdict
  /** Where the specification says so. */
  readonly clause: string
  readonly expected: string
  /** What the app answered. Its words are cut and cleaned. */
  readonly answered: string
  readonly status?: number
  readonly durationMs?: number
  /** What it means and what to do; absent for what passed. */
  readonly advice?: string
}

export type AppCheckVerdict =
  | 'passed'
  | 'failed'
  /** Allowed, and worth a look. */
  | 'advice'
  /** There was no time left for it. */
  | 'not-tried'
