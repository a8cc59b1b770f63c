import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { GatewayError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'

/** The version comes first so that another cipher can come later. */
const version = 'v1'
const cipher = 'aes-256-gcm'
/** NIST SP 800-38D section 8.2.2: 96 random bits are safe for 2^32 seals under one key; a gateway makes a few a year. */
const nonceBytes = 12
const tagBytes = 16

/**
 * Encrypts `plain` under the master key and binds it to `name`, so that one sealed value cannot be put in the place of another.
 * AES-256-GCM; `v1.<nonce>.<ciphertext and tag>`.
 */
export function seal(masterKey: KeyObject, name: string, plain: Uint8Array, random: Random): string {
  const nonce = random.bytes(nonceBytes)
  const sealing = createCipheriv(cipher, masterKey, nonce, { authTagLength: tagBytes })
  sealing.setAAD(Buffer.from(name))
  const sealed = Buffer.concat([sealing.update(plain), sealing.final(), sealing.getAuthTag()])
  return [version, nonce.toString('base64url'), sealed.toString('base64url')].join('.')
}

/** Throws GatewayError `configuration_invalid` when it was sealed under another master key or name, or was changed. */
export function unseal(masterKey: KeyObject, name: string, text: string): Buffer {
  const [foundVersion, nonce = '', sealed = ''] = text.split('.')
  try {
    if (foundVersion !== version) throw new Error(`unknown version of a sealed value: ${foundVersion}`)
    const bytes = Buffer.from(sealed, 'base64url')
    const opening = createDecipheriv(cipher, masterKey, Buffer.from(nonce, 'base64url'), {
      authTagLength: tagBytes,
    })
    opening.setAAD(Buffer.from(name))
    opening.setAuthTag(bytes.subarray(-tagBytes))
    return Buffer.concat([opening.update(bytes.subarray(0, -tagBytes)), opening.final()])
  } catch (error) {
    throw new GatewayError(
      'configuration_invalid',
      'The stored keys cannot be opened: the encryption key is not the one they were sealed with. ' +
        'Put back the master.key file of this data folder, or the keys.encryption_key that was set.',
      { cause: error },
    )
  }
}
