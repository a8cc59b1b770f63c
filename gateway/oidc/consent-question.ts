import type { Interaction } from 'oidc-provider'
import type { Account } from '../accounts/account.ts'
import type { App } from '../apps/app.ts'
import { type KnownClaim, onlyKnownClaims, refusedByRecord, scopeOf } from './grants.ts'

/** What the consent page shows and must be answered with. */
export interface ConsentQuestion {
  readonly uid: string
  readonly app: App
  readonly account: Account
  /** What is agreed to, and remembered. */
  readonly scopes: readonly string[]
  readonly claims: readonly KnownClaim[]
  /** What the person is told: these scopes, and those that single claims belong to. */
  readonly shown: readonly string[]
  readonly redirectUri: string
}

/** What the person is asked to agree to: what is missing, or with `prompt=consent` all that was requested. */
export function askedOf(
  { prompt, params }: Interaction,
  app: App,
): Pick<ConsentQuestion, 'scopes' | 'claims' | 'shown'> {
  const { missingOIDCScope: missingScopes, missingOIDCClaims: missingClaims } = prompt.details
  if (Array.isArray(missingScopes) || Array.isArray(missingClaims)) {
    return question(listOf(missingScopes), onlyKnownClaims(listOf(missingClaims)))
  }
  const refused = refusedByRecord(app)
  const named = onlyKnownClaims(namedClaims(params['claims']))
  return question(
    String(params['scope'] ?? '').split(' '),
    named.filter((claim) => !refused.includes(claim)),
  )
}

function question(scopes: readonly string[], claims: readonly KnownClaim[]) {
  return { scopes, claims, shown: [...new Set([...scopes, ...claims.map(scopeOf)])] }
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** Names of the `claims` parameter, which the engine has validated (OpenID Connect Core 1.0 section 5.5). */
function namedClaims(parameter: unknown): readonly string[] {
  if (typeof parameter !== 'string') return []
  const { id_token: idToken, userinfo } = JSON.parse(parameter) as Record<string, object | undefined>
  return [idToken, userinfo].flatMap((named) => Object.keys(named ?? {}))
}
