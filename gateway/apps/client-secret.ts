import { digest, sameSecret } from '../kernel/digest.ts'
import { newSecret, type Random } from '../kernel/random.ts'

/**
 * Secrets that operators choose need about the strength of ours: they are stored under a fast hash, so a short one could be
 * found from a stolen database (DECISIONS 17).
 */
export const minSecretLength = 32
export const maxSecretLength = 512

/** A client secret of 256 bits, shown once, and the hash that is kept. */
export function newClientSecret(random: Random): { readonly secret: string; readonly secretHash: string } {
  const secret = newSecret(random)
  return { secret, secretHash: digest(secret) }
}

/** The hash of a secret that an operator chose; undefined when it is too short, too long, or not printable ASCII. */
export function hashChosenSecret(secret: string): string | undefined {
  const wellFormed = secret.length >= minSecretLength && secret.length <= maxSecretLength
  // RFC 6749 appendix A.2: VSCHAR, so that every client can send it.
  return wellFormed && /^[\x20-\x7E]+$/.test(secret) ? digest(secret) : undefined
}

/** Compares in constant time. False for clients without a secret. */
export function isClientSecret(secretHash: string | undefined, shown: string): boolean {
  return secretHash !== undefined && sameSecret(secretHash, digest(shown))
}
