import { minuteMs } from '../kernel/clock.ts'

/**
 * How strongly a person proved who they are (`acr`), as a ladder. OpenID Connect Core 1.0 section 2, DECISIONS 16.
 */
export const oneFactor = 'urn:gatehouse:acr:1'
export const twoFactors = 'urn:gatehouse:acr:2'
/** OpenID EAP ACR Values 1.0: phishing-resistant. Understood in requests; a user-verified passkey meets it. */
export const phishingResistant = 'phr'

/** What a session can hold. */
export type Acr = typeof oneFactor | typeof twoFactors

/** RFC 8176 authentication method references that we issue. */
export type Amr = 'pwd' | 'hwk' | 'swk' | 'user' | 'mfa' | 'pop'

export const requestableAcrs = [oneFactor, twoFactors, phishingResistant] as const

/** True when a session with `held` and `amr` meets the wanted value. An unknown value is met by nothing. */
export function meets(held: { readonly acr: Acr; readonly amr: readonly string[] }, wanted: string): boolean {
  switch (wanted) {
    case oneFactor:
      return true
    case twoFactors:
      return held.acr === twoFactors
    case phishingResistant:
      return held.acr === twoFactors && held.amr.includes('pop')
    default:
      return false
  }
}

/** Something may be changed for so long after the person proved who they are: an open browser must not act for whoever walks by. */
const freshForMs = 10 * minuteMs

export function isFresh({ authenticatedAt }: { readonly authenticatedAt: number }, now: number): boolean {
  return now - authenticatedAt <= freshForMs
}
