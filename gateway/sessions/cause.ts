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

/** Who ended it. `command-line` is an operator with a shell on the machine; `gateway` is time or a rule. */
export type Actor =
  | { readonly kind: 'account'; readonly accountId: AccountId }
  | { readonly kind: 'operator'; readonly accountId: AccountId }
  | { readonly kind: 'app'; readonly appId: AppId }
  | { readonly kind: 'api-key'; readonly apiKeyId: ApiKeyId }
  | { readonly kind: 'command-line' }
  | { readonly kind: 'configuration' }
  | { readonly kind: 'gateway' }
