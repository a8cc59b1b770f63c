/** What a program shows to act for operators: a record without the key itself, and what may be said of it. Pure. */
import type { ApiKeyId } from '../kernel/ids.ts'
import type { Actor } from '../sessions/cause.ts'

/** What a key may be allowed to do: the closed set. Reading and acting are apart, so that what watches cannot end anything. */
export const apiScopes = [
  'sessions:read',
  'sessions:end',
  'logouts:read',
  'logouts:retry',
  'apps:read',
  'apps:check',
] as const
export type ApiScope = (typeof apiScopes)[number]

export interface ApiKey {
  readonly id: ApiKeyId
  /** What an operator called it: the program that holds it. */
  readonly name: string
  readonly scopes: readonly ApiScope[]
  readonly createdAt: number
  readonly createdBy: Actor
  /** Absent: until it is revoked. */
  readonly expiresAt?: number
  /** Written at most once a minute. */
  readonly lastUsedAt?: number
  readonly revokedAt?: number
}

export type ApiKeyState = 'live' | 'expired' | 'revoked'

/** What the key is at `now`. A revoked one stays revoked, whatever its time. */
export function apiKeyState({ revokedAt, expiresAt }: ApiKey, now: number): ApiKeyState {
  if (revokedAt !== undefined) return 'revoked'
  return expiresAt !== undefined && now >= expiresAt ? 'expired' : 'live'
}

/** The scope when `text` names one. */
export function parseApiScope(text: string): ApiScope | undefined {
  return apiScopes.find((scope) => scope === text)
}
