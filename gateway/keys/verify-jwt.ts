/**
 * Checks a compact JWS (RFC 7515) against keys that the caller trusts.
 *
 * Owns: what is refused before any signature is looked at. Never: lets the token choose: the type and the algorithm are the caller's,
 * and of the header nothing but `kid` says which of the caller's keys it is (RFC 8725 sections 3.1, 3.9 and 3.11).
 */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'

export type JwtVerdict =
  | { readonly kind: 'valid'; readonly keyId: string; readonly payload: Readonly<Record<string, unknown>> }
  /** `why` is a sentence, and repeats nothing of the token. */
  | { readonly kind: 'invalid'; readonly why: string }

/** Public keys of P-256 that verify ES256. Others may be among them and are passed over. */
export type VerificationKeys = readonly Readonly<Record<string, unknown>>[]

/** Three parts, and nothing that a decoder would overlook. */
const compact = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/
/** R and S of P-256 side by side (RFC 7518 section 3.4). */
const signatureBytes = 64

/** Verifies an ES256 signature over a JSON object of the media type `typ`. */
export function verifyJwt(
  token: string,
  of: { readonly typ: string; readonly keys: VerificationKeys; readonly maxLength: number },
): JwtVerdict {
  if (token.length > of.maxLength) return invalid('It is too long to be one.')
  const [, header = '', payload = '', signature = ''] = compact.exec(token) ?? []
  const head = parse(header)
  if (head === undefined) return invalid('It is no signed token.')
  if (head['typ'] !== of.typ) return invalid('It is a token of another type.')
  if (head['alg'] !== 'ES256') return invalid('It is not signed with ES256.')
  // Such as crit, b64 or jwk: something that changes what is signed, or by whom.
  const others = Object.keys(head).filter((name) => !['typ', 'alg', 'kid'].includes(name))
  if (others.length > 0) return invalid('Its header says more than it may.')
  const { kid } = head as { kid?: unknown }
  const jwk = of.keys.find((key) => isUsable(key) && key['kid'] === kid)
  if (typeof kid !== 'string' || jwk === undefined)
    return invalid('The key that it names is not among the keys given.')
  const bytes = decode(signature)
  if (bytes?.length !== signatureBytes || !isSignedBy(jwk, `${header}.${payload}`, bytes))
    return invalid('Its signature does not hold: it was changed, or made by somebody else.')
  const claims = parse(payload)
  if (claims === undefined) return invalid('It holds no JSON object.')
  return { kind: 'valid', keyId: kid, payload: claims }
}

/** RFC 7517 sections 4.2 and 4.4: a key that says what it is for is used for nothing else. */
function isUsable(key: Readonly<Record<string, unknown>>): boolean {
  const { kty, crv, use, alg } = key as { kty?: unknown; crv?: unknown; use?: unknown; alg?: unknown }
  return (
    kty === 'EC' &&
    crv === 'P-256' &&
    (use === undefined || use === 'sig') &&
    (alg === undefined || alg === 'ES256')
  )
}

function isSignedBy(jwk: Readonly<Record<string, unknown>>, input: string, signature: Buffer): boolean {
  try {
    const { kty, crv, x, y } = jwk as JsonWebKey
    const key = createPublicKey({ key: { kty, crv, x, y } as JsonWebKey, format: 'jwk' })
    return verify('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    // No point of the curve: not a key, so nothing is signed by it.
    return false
  }
}

function parse(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decode(part)?.toString() ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** Undefined for a spelling that is not the one: the last character may hold bits that mean nothing. */
function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}

function invalid(why: string): JwtVerdict {
  return { kind: 'invalid', why }
}
