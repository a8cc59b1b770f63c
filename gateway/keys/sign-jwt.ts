import { signatureOf } from './signature.ts'
import type { SigningKey } from './signing-key.ts'

/**
 * A compact JWS (RFC 7515 section 7.1) over a JSON payload, signed at once. `alg` and `kid` are always those of the key, whatever the header says.
 */
export function signJwt(
  header: Readonly<Record<string, unknown>>,
  payload: Readonly<Record<string, unknown>>,
  key: SigningKey,
): string {
  const input = `${encode({ ...header, alg: key.alg, kid: key.keyId })}.${encode(payload)}`
  return `${input}.${signatureOf(Buffer.from(input), key).toString('base64url')}`
}

function encode(part: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
