import type { DeclaredAccount, DeclaredApp } from '#config/resolved.ts'
import { applyDeclaredAccounts, type DeclaredAccountsDeps } from './declared-accounts.ts'
import { applyDeclaredApps, type DeclaredAppsDeps } from './declared-apps.ts'

/**
 * Applies what the configuration file declares, at each start before the first request. Apps first: an account that loses a group
 * is measured against them. Throws GatewayError `configuration_invalid` with file and line for what cannot be applied.
 */
export async function applyDeclared(
  deps: DeclaredAppsDeps & DeclaredAccountsDeps,
  declared: { readonly apps: readonly DeclaredApp[]; readonly accounts: readonly DeclaredAccount[] },
): Promise<{ readonly apps: number; readonly accounts: number }> {
  const apps = await applyDeclaredApps(deps, declared.apps)
  const accounts = await applyDeclaredAccounts(deps, declared.accounts)
  return { apps, accounts }
}
