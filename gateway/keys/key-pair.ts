import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { digest } from '../kernel/digest.ts'
import type { KeyId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import { seal, unseal } from './sealing.ts'
import type { PublicJwk, SigningAlg, SigningKey } from './signing-key.ts'
import type { StoredKey } from './store.ts'

const generate = promisify(generateKeyPair)

/** A fresh key pair, its private half sealed. In a worker thread: an RSA key takes some hundred milliseconds to find. */
export async function makeKey(
  alg: SigningAlg,
  times: { readonly createdAt: number; readonly activeAt: number },
  sealing: { readonly masterKey: KeyObject; readonly random: Random },
): Promise<StoredKey> {
  const { privateKey, publicKey } =
    alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048 })
  const publicJwk = describe(alg, publicKey)
  const keyId = publicJwk.kid as KeyId
  const plain = privateKey.export({ format: 'der', type: 'pkcs8' })
  return {
    keyId,
    alg,
    publicJwk,
    sealedPrivate: seal(sealing.masterKey, sealedName(keyId), plain, sealing.random),
    ...times,
  }
}

/** The stored key, ready to sign. Throws when the master key is not the one it was sealed with. */
export function openKey(stored: StoredKey, masterKey: KeyObject): SigningKey {
  const plain = unseal(masterKey, sealedName(stored.keyId), stored.sealedPrivate)
  const privateKey = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' })
  plain.fill(0)
  return {
    keyId: stored.keyId,
    alg: stored.alg,
    publicJwk: stored.publicJwk,
    publicKey: createPublicKey(privateKey),
    privateKey,
    createdAt: stored.createdAt,
    activeAt: stored.activeAt,
  }
}

function sealedName(keyId: KeyId): string {
  return `signing-key/${keyId}`
}

function describe(alg: SigningAlg, publicKey: KeyObject): PublicJwk {
  const { kty = '', crv = '', x = '', y = '', n = '', e = '' } = publicKey.export({ format: 'jwk' })
  // RFC 7638 section 3.2: exactly the required members, in lexicographic order.
  const required = alg === 'ES256' ? { crv, kty, x, y } : { e, kty, n }
  return { ...required, kty, kid: digest(JSON.stringify(required)), alg, use: 'sig' }
}
