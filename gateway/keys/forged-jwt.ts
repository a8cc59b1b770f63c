/**
 * JWTs that nobody may accept, for finding out whether somebody does.
 *
 * Never: signs one of them with a key of the gateway's.
 */
import { createHmac, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { signJwt } from './sign-jwt.ts'
import type { SigningKey } from './signing-key.ts'

const generate = promisify(generateKeyPair)

type Part = Readonly<Record<string, unknown>>

/** Signed as `like` signs and under its `kid`, by a key that was made for this one token. */
export async function signedByAnotherKey(header: Part, payload: Part, like: SigningKey): Promise<string> {
  const { privateKey } =
    like.alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048 })
  return signJwt(header, payload, { ...like, privateKey })
}

/** `alg: none` and no signature (RFC 7519 section 6). */
export function unsigned(header: Part, payload: Part): string {
  return `${encode({ ...header, alg: 'none' })}.${encode(payload)}.`
}

/** HS256 with the published key as its secret: what a verifier that takes `alg` from the token would check it with. */
export function signedWithPublicKey(header: Part, payload: Part, key: SigningKey): string {
  const input = `${encode({ ...header, alg: 'HS256', kid: key.keyId })}.${encode(payload)}`
  const secret = key.publicKey.export({ type: 'spki', format: 'pem' })
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function encode(part: Part): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
