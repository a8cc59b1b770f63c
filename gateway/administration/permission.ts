import type { AccountStore } from '../accounts/store.ts'
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Actor } from '../sessions/cause.ts'
import { type Administrator, requireAdministrator } from './administrator.ts'
import { type ApiScope, apiKeyState } from './api-key.ts'
import type { ApiKeyStore } from './store.ts'

/** An administrator, or a program within what its API key allows. Commands that take no scope cannot even be given a key. */
export type ScopedAdministrator = Administrator | Extract<Actor, { kind: 'api-key' }>

export interface PermissionDeps {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly apiKeys: Pick<ApiKeyStore, 'find'>
  readonly clock: Clock
}

/**
 * Throws GatewayError `forbidden`, `api_key_invalid` or `insufficient_scope` unless `by` may do what the scope names at this instant:
 * a key that is revoked while its request waits acts no more. Call it inside the command's transaction.
 */
export async function requirePermission(
  deps: PermissionDeps,
  by: ScopedAdministrator,
  scope: ApiScope,
): Promise<void> {
  if (by.kind !== 'api-key') return requireAdministrator(deps.accounts, by)
  const key = await deps.apiKeys.find(by.apiKeyId)
  if (key === undefined || apiKeyState(key, deps.clock.now()) !== 'live') {
    throw new GatewayError('api_key_invalid', 'This API key is unknown, revoked or expired.')
  }
  requireScope(key.scopes, scope)
}

/** Throws GatewayError `insufficient_scope`, naming the scope, unless it is among these. */
export function requireScope(scopes: readonly ApiScope[], scope: ApiScope): void {
  if (scopes.includes(scope)) return
  throw new GatewayError('insufficient_scope', `This API key does not have the scope ${scope}.`, {
    extension: { scope },
  })
}
