/**
 * What a pending question of the engine asks of a sign-in, and whether a session answers it.
 */
import type { Interaction } from 'oidc-provider'
import type { App } from '../apps/app.ts'
import { secondMs } from '../kernel/clock.ts'
import { type AccountId, parseAccountId } from '../kernel/ids.ts'
import { meets } from '../sessions/assurance.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { Wanted } from '../sign-in/attempt.ts'
import { subjectFor } from './claims.ts'
import { isRequestable, wantedAcrs } from './policy.ts'

/** Reasons of the engine that no earlier proof answers. */
const mustProveNow = ['login_prompt', 'id_token_hint', 'claims_id_token_sub_value']

/** What the sign-in must prove (OpenID Connect Core 1.0 section 3.1.2.1), as validated by the engine. */
export function wantedOf(interaction: Interaction, app: App): Wanted {
  const { prompt, params } = interaction
  const askedAt = Number(prompt.details['askedAt'])
  const asked = new Set(prompt.reasons)
  const acr = acrOf(interaction, app)
  const maxAgeSeconds = Number(params['max_age'] ?? app.oidc.metadata.default_max_age ?? Number.NaN)
  const accountId = askedAccount(interaction, app)
  return {
    ...(accountId === undefined ? {} : { accountId }),
    ...(acr === undefined ? {} : { acr }),
    // `prompt=login`, choosing an account, and whoever is here being somebody else than was asked for: only what is proved from now on.
    // `max_age`: only what is young enough.
    ...(mustProveNow.some((reason) => asked.has(reason)) || prompt.name === 'select_account'
      ? { provedAfter: askedAt }
      : Number.isFinite(maxAgeSeconds)
        ? { provedAfter: askedAt - maxAgeSeconds * secondMs }
        : {}),
  }
}

function acrOf(interaction: Interaction, app: App): string | undefined {
  const { details } = interaction.prompt
  const essential = details['acr'] as { value?: unknown; values?: unknown } | string | undefined
  if (typeof essential === 'string') return essential
  const values = [essential?.value, ...(Array.isArray(essential?.values) ? essential.values : [])]
  const named = values.filter((value) => typeof value === 'string')
  // Any of them will do, so one that somebody can meet comes first.
  const first = named.find(isRequestable) ?? named[0]
  if (first !== undefined) return first
  return (
    app.sessions.acr ??
    (interaction.prompt.reasons.includes('assurance')
      ? wantedAcrs(interaction.params['acr_values'])[0]
      : undefined)
  )
}

/** The account whom the app asked for; undefined where it asked for nobody, or by a subject that cannot be turned back into one. */
function askedAccount(interaction: Interaction, app: App): AccountId | undefined {
  return app.oidc.metadata.subject_type === 'pairwise'
    ? undefined
    : askedSubjects(interaction)
        .map(parseAccountId)
        .find((id) => id !== undefined)
}

/** True unless the app asked for somebody else: then it must not be answered for this person (Core sections 3.1.2.1 and 5.5). */
export function isWhoWasAsked(
  interaction: Interaction,
  app: App,
  accountId: AccountId,
  pairwiseKey: Uint8Array,
): boolean {
  return askedSubjects(interaction).every((subject) => subject === subjectFor(app, accountId, pairwiseKey))
}

/** Subjects named by `id_token_hint` and by the claim `sub`, both validated by the engine. */
function askedSubjects({ params }: Interaction): readonly string[] {
  const { id_token_hint: hint, claims } = params
  const named: readonly unknown[] = [
    ...(typeof hint === 'string' ? [payloadOf(hint)?.sub] : []),
    ...(typeof claims === 'string' ? [idTokenClaims(claims)?.sub?.value] : []),
  ]
  return named.filter((subject) => subject !== undefined).map(String)
}

function payloadOf(token: string): { readonly sub?: unknown } | null {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly sub?: unknown } | null
}

function idTokenClaims(
  parameter: string,
): { readonly sub?: { readonly value?: unknown } | null } | undefined {
  return (JSON.parse(parameter) as { id_token?: { sub?: { value?: unknown } | null } }).id_token
}

/** True when the session proves what is wanted. */
export function isEnough(session: SsoSession, wanted: Wanted): boolean {
  if (wanted.accountId !== undefined && wanted.accountId !== session.accountId) return false
  if (wanted.acr !== undefined && !meets(session, wanted.acr)) return false
  return wanted.provedAfter === undefined || session.authenticatedAt >= wanted.provedAfter
}
