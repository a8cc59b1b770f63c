import { describe, expect, test } from 'vitest'
import { type Acr, meets, oneFactor, phishingResistant, twoFactors } from '#gateway/sessions/assurance.ts'

interface Held {
  readonly acr: Acr
  readonly amr: readonly string[]
}

const password: Held = { acr: oneFactor, amr: ['pwd'] }
const passkey: Held = { acr: twoFactors, amr: ['pop', 'user', 'mfa', 'hwk'] }
/** Two factors of which none resists phishing: no way of today gives it, and it must not pass for a passkey. */
const twoWeak: Held = { acr: twoFactors, amr: ['pwd', 'mfa'] }

describe('the ladder of assurance', () => {
  const rows: readonly (readonly [string, Held, string, boolean])[] = [
    ['a password meets one factor', password, oneFactor, true],
    ['a password does not meet two factors', password, twoFactors, false],
    ['a password does not resist phishing', password, phishingResistant, false],
    ['a passkey meets one factor', passkey, oneFactor, true],
    ['a passkey meets two factors', passkey, twoFactors, true],
    ['a passkey resists phishing', passkey, phishingResistant, true],
    ['two weak factors meet two factors', twoWeak, twoFactors, true],
    ['two weak factors do not resist phishing', twoWeak, phishingResistant, false],
    ['nothing meets what nobody knows', passkey, 'urn:other', false],
    ['nothing meets an empty value', passkey, '', false],
  ]
  test.for(rows)('%s', ([, held, wanted, met]) => {
    expect(meets(held, wanted)).toBe(met)
  })
})
