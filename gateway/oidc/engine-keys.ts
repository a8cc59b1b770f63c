import type { JWK } from 'oidc-provider'
import type { Keyring } from '../keys/keyring.ts'

/** The keys as the engine wants them, those that sign first: it signs with the first that fits (helpers/keystore.js:260). */
export function engineKeys(keys: Keyring): JWK[] {
  return keys.all().map((key) => ({
    ...(key.privateKey.export({ format: 'jwk' }) as JWK),
    kid: key.keyId,
    alg: key.alg,
    use: 'sig',
  }))
}
