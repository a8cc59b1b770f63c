import { sign } from 'node:crypto'
import type { SigningKey } from './signing-key.ts'

/**
 * A compact JWS (RFC 7515 section 7.1) over a JSON payload. Synchronous: signing takes tens of microseconds, a trip through the
 * thread pool takes longer. `alg` and `kid` are always those of the key, whatever the header says.
 */
export function signJwt(
  header: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
  key: SigningKey,
): string {
  const input = `${encode({ ...header, alg: key.alg, kid: key.keyId })}.${encode(payload)}`
  // RFC 7518 section 3.4: an ECDSA signature is R and S side by side, not DER. RSA takes no notice of the option.
  const signature = sign('sha256', Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}

function encode(part: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
