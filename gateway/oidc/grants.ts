import type { App } from '../apps/app.ts'
import type { ConsentStore } from '../apps/store.ts'
import type { AccountId } from '../kernel/ids.ts'
import { claimsByScope } from './claims.ts'

/** Every scope the gateway knows (OpenID Connect Core 1.0 sections 5.4 and 11; `groups` is ours). */
export const knownScopes = ['openid', 'profile', 'email', 'groups', 'offline_access'] as const

export interface Granted {
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  /** Known claims that it may not have: the engine gives whatever was asked for and is not named here. */
  readonly refused: readonly string[]
}

/**
 * What an app may have of a person now. A first-party app has what its record allows; any other what the person agreed to of that, so
 * that taking the consent back, or allowing the app less, is felt at the next refresh.
 */
export async function grantOf(consents: ConsentStore, app: App, accountId: AccountId): Promise<Granted> {
  const allowed = allowedScopes(app)
  if (app.firstParty) return granted(allowed, claimsOf(allowed))
  const consent = await consents.find(accountId, app.id)
  const scopes = allowed.filter((scope) => consent?.scopes.includes(scope))
  const named = claimsOf(allowed).filter((claim) => consent?.claims.includes(claim))
  return granted(scopes, [...new Set([...claimsOf(scopes), ...named])])
}

function granted(scopes: readonly string[], claims: readonly string[]): Granted {
  return { scopes, claims, refused: knownClaims.filter((claim) => !claims.includes(claim)) }
}

/** Claims that the app may not have, whatever a person agrees to. */
export function refusedByRecord(app: App): readonly KnownClaim[] {
  const allowed = claimsOf(allowedScopes(app))
  return knownClaims.filter((claim) => !allowed.includes(claim))
}

/** The claims that these scopes stand for. */
function claimsOf(scopes: readonly string[]): readonly KnownClaim[] {
  return knownClaims.filter((claim) => scopes.includes(scopeOf(claim)))
}

/** The scope that a claim belongs to: an app may name single claims of what it may have, and nothing beyond. */
export function scopeOf(claim: KnownClaim): string {
  const scope = Object.entries(claimsByScope).find(([, claims]) => claims.some((name) => name === claim))
  return scope?.[0] ?? ''
}

/** What the app's record lets it ask for; a record that is silent allows every known scope. */
export function allowedScopes(app: App): readonly string[] {
  const scope = app.oidc.metadata.scope
  return scope === undefined ? knownScopes : scope.split(' ').filter((name) => name !== '')
}

/** Claims that an app may ask for by name through the `claims` parameter. */
export const knownClaims = ['email', 'email_verified', 'name', 'groups', 'updated_at'] as const
export type KnownClaim = (typeof knownClaims)[number]

/** The known ones among what somebody named. */
export function onlyKnownClaims(names: readonly unknown[]): readonly KnownClaim[] {
  return knownClaims.filter((claim) => names.includes(claim))
}
