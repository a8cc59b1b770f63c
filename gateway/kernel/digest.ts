import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/**
 * SHA-256 of a secret with full entropy, base64url. What a browser or an app holds is stored only in this form,
 * so that a stolen database opens no session. Not for passwords: those have little entropy and need a slow hash.
 */
export function digest(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** HMAC-SHA-256 of `text` under `key`, base64url (43 characters). */
export function keyedDigest(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** Compares two strings in a time that depends only on their lengths. */
export function sameSecret(left: string, right: string): boolean {
  const a = Buffer.from(left)
  const b = Buffer.from(right)
  return a.length === b.length && timingSafeEqual(a, b)
}
