import type { KeyId } from '../kernel/ids.ts'
import type { PublicJwk, SigningAlg } from './signing-key.ts'

/** A signing key as it is stored: the private half sealed under the master key. */
export interface StoredKey {
  readonly keyId: KeyId
  readonly alg: SigningAlg
  readonly publicJwk: PublicJwk
  readonly sealedPrivate: string
  readonly activeAt: number
  /** Noted once its successor signs. */
  readonly retiredAt?: number
  readonly createdAt: number
}

/** Signing keys and named server secrets, sealed. Nothing here can open them. */
export interface KeyStore {
  /** Inserts the key unless one of its algorithm is there already. Returns whether it did. */
  insertFirstKey(key: StoredKey): Promise<boolean>
  insertKey(key: StoredKey): Promise<void>
  listKeys(): Promise<readonly StoredKey[]>
  /** Notes when the key stopped signing. True for the one caller that noted it. */
  retireKey(keyId: KeyId, at: number): Promise<boolean>
  deleteKey(keyId: KeyId): Promise<boolean>
  /** Stores the secret unless one of that name is there already; the first one stays. */
  addSecret(name: string, sealed: string, at: number): Promise<void>
  findSecret(name: string): Promise<string | undefined>
}
