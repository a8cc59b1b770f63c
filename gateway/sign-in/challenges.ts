/**
 * Challenges of passkey ceremonies (WebAuthn Level 3, section 13.4.3).
 *
 * Owns: making them, and that each is answered once, in time, in the ceremony and by the browser it was made for. Relies on:
 * `Ephemeral.take` having one winner. Never: takes a challenge from a client on trust (N-141).
 *
 * The key under which a challenge is stored is a digest over it and over everything it is bound to. Shown anywhere else it is
 * simply unknown, and it stays there for its owner; two tabs at once each find their own (N-147).
 */
import { minuteMs } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { newSecret, type Random } from '../kernel/random.ts'

export type Ceremony = 'sign-in' | 'registration' | 'set-up'

/** As long as a person may look for their security key; the options' own timeout says the same. */
export const challengeMs = 5 * minuteMs

export interface ChallengesDeps {
  readonly ephemeral: Ephemeral
  readonly random: Random
}

export type Challenges = ReturnType<typeof createChallenges>

/** Creates the keeper of challenges. */
export function createChallenges({ ephemeral, random }: ChallengesDeps) {
  return {
    /** A fresh challenge of 256 bits, base64url, bound to `owner`; `kept` comes back when it is redeemed. */
    issue: async (ceremony: Ceremony, owner: readonly string[], kept: unknown = true): Promise<string> => {
      const challenge = newSecret(random)
      await ephemeral.put(spaceOf(ceremony), keyOf(challenge, owner), kept, challengeMs)
      return challenge
    },

    /** What was kept with the challenge; undefined when it is unknown, used, over, or of another owner or ceremony. */
    redeem: (ceremony: Ceremony, owner: readonly string[], challenge: string): Promise<unknown | undefined> =>
      ephemeral.take(spaceOf(ceremony), keyOf(challenge, owner)),
  }
}

function spaceOf(ceremony: Ceremony): string {
  return `passkey-challenge-${ceremony}`
}

/** JSON, because then no choice of parts can look like another. */
function keyOf(challenge: string, owner: readonly string[]): string {
  return digest(JSON.stringify([challenge, ...owner]))
}
