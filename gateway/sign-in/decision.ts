/**
 * What is still needed before an attempt may become a session: the only place that decides it. Pure.
 */
import type { AccountId } from '../kernel/ids.ts'
import { type Amr, meets, oneFactor, twoFactors } from '../sessions/assurance.ts'
import type { Authentication } from '../sessions/registry.ts'
import type { Proof, Wanted } from './attempt.ts'

export type Decision =
  | {
      readonly kind: 'enough'
      readonly accountId: AccountId
      readonly authentication: Authentication
      /** The proofs it rests on, to be checked once more when the session begins. */
      readonly proofs: readonly Proof[]
    }
  | { readonly kind: 'more-needed'; readonly why: 'passkey' }
  /** Nothing that could follow would make it right. */
  | { readonly kind: 'refused' }

/**
 * Decides after `newest` was proved.
 *
 * 1. Another person than was wanted is refused, whatever they proved.
 * 2. Earlier proofs of the attempt count when they are the same person's and not older than the request allows; only the latest of
 *    each method does.
 * 3. Their union is held against the strength that was wanted.
 */
export function decide(wanted: Wanted, earlier: readonly Proof[], newest: Proof): Decision {
  if (wanted.accountId !== undefined && wanted.accountId !== newest.accountId) return { kind: 'refused' }
  const proofs = counting(wanted, earlier, newest)
  const authentication = authenticationOf(proofs, newest.at)
  if (wanted.acr === undefined || meets(authentication, wanted.acr)) {
    return { kind: 'enough', accountId: newest.accountId, authentication, proofs }
  }
  // A passkey is the strongest proof there is: what it does not meet, nothing does.
  return proofs.some((proof) => proof.method === 'passkey')
    ? { kind: 'refused' }
    : { kind: 'more-needed', why: 'passkey' }
}

/** The proofs that count, oldest first. */
export function counting(wanted: Wanted, earlier: readonly Proof[], newest: Proof): readonly Proof[] {
  const kept = earlier.filter(
    (proof, position) =>
      proof.accountId === newest.accountId &&
      proof.method !== newest.method &&
      proof.at >= (wanted.provedAfter ?? 0) &&
      !earlier.slice(position + 1).some((later) => later.method === proof.method),
  )
  return [...kept, newest]
}

/** The strength of these proofs together (DECISIONS 16, RFC 8176). `at`: when the last one was given. */
export function authenticationOf(proofs: readonly Proof[], at: number): Authentication {
  const passkeys = proofs.filter((proof) => proof.method === 'passkey')
  return {
    methods: [...new Set(proofs.map((proof) => proof.method))],
    amr: [...new Set(proofs.flatMap(amrOf))],
    acr: passkeys.length > 0 ? twoFactors : oneFactor,
    credentialIds: passkeys.map((proof) => proof.credentialId),
    at,
  }
}

function amrOf(proof: Proof): readonly Amr[] {
  switch (proof.method) {
    case 'password':
      return ['pwd']
    case 'passkey':
      // A user-verified passkey is two factors by itself: the key, and the finger, face or PIN that unlocks it.
      return ['pop', 'user', 'mfa', proof.backupEligible ? 'swk' : 'hwk']
    default:
      return proof satisfies never
  }
}
