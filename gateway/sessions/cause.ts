import type { AccountId, ApiKeyId, AppId } from '../kernel/ids.ts'

/** Why a session ended: the closed set of ARCHITECTURE.md. */
export const causes = [
  'app',
  'account',
  'account-everywhere',
  'admin',
  'bulk',
  'idle',
  'absolute',
  'password-changed',
  'credential-changed',
  'access-removed',
  'app-removed',
  'account-disabled',
  'account-deleted',
  'account-switched',
  'session-limit',
  'upstream',
  'risk',
  'restore',
] as const
export type Cause = (typeof causes)[number]

/**
 * True when the person merely left, by themselves or by time: then an app that was promised access while they are away keeps it.
 * Every other cause says that somebody should not have what they have, the person, an operator or the gateway, and takes all of it
 * (N-014, N-016). Nobody is asked which they meant: whoever signs out everywhere fears for something.
 */
export function leavesOfflineAccess(cause: Cause): boolean {
  switch (cause) {
    case 'app':
    case 'account':
    case 'account-switched':
    case 'idle':
    case 'absolute':
    case 'session-limit':
    case 'upstream':
      return true
    case 'account-everywhere':
    case 'admin':
    case 'bulk':
    case 'password-changed':
    case 'credential-changed':
    case 'access-removed':
    case 'app-removed':
    case 'account-disabled':
    case 'account-deleted':
    case 'risk':
    // What a backup brings back may have been revoked since.
    case 'restore':
      return false
    default:
      return cause satisfies never
  }
}

/**
 * Why an app's offline access was revoked: with the sessions of one of these causes, or alone. `taken-back`: the person removed it;
 * `app-changed`: its app may keep none any more.
 */
export type OfflineCause = Cause | 'taken-back' | 'app-changed'

/** Who ended it. `command-line` is an operator with a shell on the machine; `gateway` is time or a rule. */
export type Actor =
  | { readonly kind: 'account'; readonly accountId: AccountId }
  | { readonly kind: 'operator'; readonly accountId: AccountId }
  | { readonly kind: 'app'; readonly appId: AppId }
  | { readonly kind: 'api-key'; readonly apiKeyId: ApiKeyId }
  | { readonly kind: 'command-line' }
  | { readonly kind: 'configuration' }
  | { readonly kind: 'gateway' }
