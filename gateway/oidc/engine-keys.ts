import { ExternalSigningKey } from 'oidc-provider'
import type { Keyring } from '../keys/keyring.ts'
import { signatureOf } from '../keys/signature.ts'
import type { SigningKey } from '../keys/signing-key.ts'

/**
 * Our signing keys as the engine uses them, those that sign first: it takes the first that fits (helpers/keystore.js:260).
 * It never sees a private key, and signs at once instead of sending each token through the thread pool that password hashes use.
 */
export function engineKeys(keys: Keyring): ExternalSigningKey[] {
  return keys.all().map((key) => new EngineKey(key))
}

class EngineKey extends ExternalSigningKey {
  readonly #key: SigningKey

  constructor(key: SigningKey) {
    super()
    this.#key = key
    // The engine's setters, which its types leave out.
    Object.assign(this, { kid: key.keyId, alg: key.alg })
  }

  override keyObject() {
    return this.#key.publicKey
  }

  override sign(data: Uint8Array): Buffer {
    return signatureOf(data, this.#key)
  }
}
