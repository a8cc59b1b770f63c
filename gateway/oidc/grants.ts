import type { App } from '../apps/app.ts'
import type { ConsentStore } from '../apps/store.ts'
import type { AccountId } from '../kernel/ids.ts'

/** Every scope the gateway knows (OpenID Connect Core 1.0 sections 5.4 and 11; `groups` is ours). */
export const knownScopes = ['openid', 'profile', 'email', 'groups', 'offline_access'] as const

export interface Granted {
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
}

/**
 * What an app may have of a person now. A first-party app has what its record allows; any other what the person agreed to, so that
 * taking the consent back is felt at the next refresh.
 */
export async function grantOf(consents: ConsentStore, app: App, accountId: AccountId): Promise<Granted> {
  if (app.firstParty) return { scopes: allowedScopes(app), claims: knownClaims }
  const consent = await consents.find(accountId, app.id)
  return consent === undefined
    ? { scopes: [], claims: [] }
    : { scopes: consent.scopes, claims: consent.claims }
}

/** What the app's record lets it ask for; a record that is silent allows every known scope. */
export function allowedScopes(app: App): readonly string[] {
  const scope = app.oidc.metadata.scope
  return scope === undefined ? knownScopes : scope.split(' ').filter((name) => name !== '')
}

/** Claims that an app may ask for by name through the `claims` parameter. */
export const knownClaims = ['email', 'email_verified', 'name', 'groups', 'updated_at'] as const
