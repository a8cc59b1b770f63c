import { sign } from 'node:crypto'
import type { SigningKey } from './signing-key.ts'

/** R and S of P-256 (RFC 7518 section 3.4). */
const coordinateBytes = 32

/**
 * The signature of a JWS, at once: it takes tens of microseconds, and a trip through the thread pool takes longer.
 *
 * Node is given the key and nothing beside it: going through options, such as the one that asks for R and S instead of DER, costs it more
 * than the curve.
 */
export function signatureOf(
  data: Uint8Array,
  { alg, privateKey }: Pick<SigningKey, 'alg' | 'privateKey'>,
): Buffer {
  const signature = sign('sha256', data, privateKey)
  return alg === 'ES256' ? sideBySide(signature) : signature
}

/** R and S side by side, of their DER: a sequence of two integers, without leading zeros but for one that keeps them positive. */
function sideBySide(der: Buffer): Buffer {
  const both = Buffer.alloc(2 * coordinateBytes)
  // Behind the tags and lengths of the sequence and of R: at most 70 bytes follow, so each length is one byte.
  let at = 3
  for (const end of [coordinateBytes, 2 * coordinateBytes]) {
    const length = der.readUInt8(at)
    const integer = der.subarray(at + 1, at + 1 + length)
    const digits = integer.subarray(Math.max(0, length - coordinateBytes))
    digits.copy(both, end - digits.length)
    at += length + 2
  }
  return both
}
