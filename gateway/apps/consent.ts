import type { AccountId, AppId } from '../kernel/ids.ts'

/** A person's remembered yes to what an app asks for. */
export interface Consent {
  readonly accountId: AccountId
  readonly appId: AppId
  readonly scopes: readonly string[]
  /** Single claims, asked for through the `claims` parameter (OpenID Connect Core 1.0 section 5.5). */
  readonly claims: readonly string[]
  readonly grantedAt: number
}

/** True when everything asked for was agreed to before, so that no question is needed. */
export function covers(
  consent: Consent,
  asked: { readonly scopes: readonly string[]; readonly claims: readonly string[] },
): boolean {
  return (
    asked.scopes.every((scope) => consent.scopes.includes(scope)) &&
    asked.claims.every((claim) => consent.claims.includes(claim))
  )
}

/** Both together, each name once, sorted: the same agreement is always the same record. */
export function merged(before: Consent, more: Consent): Consent {
  return {
    ...more,
    scopes: [...new Set([...before.scopes, ...more.scopes])].sort(),
    claims: [...new Set([...before.claims, ...more.claims])].sort(),
  }
}
