import type { KeyObject } from 'node:crypto'
import { dayMs } from '../kernel/clock.ts'
import type { KeyId } from '../kernel/ids.ts'

export const signingAlgs = ['ES256', 'RS256'] as const
export type SigningAlg = (typeof signingAlgs)[number]

/** A public key as the JWKS shows it (RFC 7517). */
export interface PublicJwk {
  readonly kid: string
  readonly kty: string
  readonly alg: SigningAlg
  readonly use: 'sig'
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

/** A signing key ready for use. Its states follow from its times and those of its siblings; nothing stores a state. */
export interface SigningKey {
  /** RFC 7638 thumbprint. */
  readonly keyId: KeyId
  readonly alg: SigningAlg
  readonly publicJwk: PublicJwk
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  readonly createdAt: number
  /** When it first signs; it is published before that, so that apps have fetched it by then. */
  readonly activeAt: number
}

/** `next`: published, signs later. `active`: signs. `retired`: signs no more, but what it signed may still be shown. */
export type KeyState = 'next' | 'active' | 'retired'

/** An ID token may be shown as `id_token_hint` for so long after its key stopped signing; then the key goes (ARCHITECTURE.md). */
export const publishedAfterMs = 90 * dayMs

type Times = Pick<SigningKey, 'keyId' | 'alg' | 'activeAt' | 'createdAt'>

/**
 * The key that signs at `now`: of those whose time has come, the latest. Before the first one's time it is that first one,
 * so a gateway whose clock was set back still signs. The same on every node, because it depends on nothing else.
 */
export function signingAt<Key extends Times>(
  keys: readonly Key[],
  alg: SigningAlg,
  now: number,
): Key | undefined {
  const ordered = inOrder(keys, alg)
  return ordered.findLast((key) => key.activeAt <= now) ?? ordered[0]
}

/** The key that takes over from this one; undefined for the last of its algorithm. */
export function successorOf<Key extends Times>(keys: readonly Key[], key: Times): Key | undefined {
  const ordered = inOrder(keys, key.alg)
  return ordered[ordered.findIndex(({ keyId }) => keyId === key.keyId) + 1]
}

/** When the key stopped or will stop signing: when its successor starts. */
export function retiresAt(keys: readonly Times[], key: Times): number | undefined {
  return successorOf(keys, key)?.activeAt
}

export function stateAt(keys: readonly Times[], key: Times, now: number): KeyState {
  if (signingAt(keys, key.alg, now)?.keyId === key.keyId) return 'active'
  const retired = retiresAt(keys, key)
  return retired !== undefined && retired <= now ? 'retired' : 'next'
}

/** True until nothing the key signed can still be shown. */
export function isPublishedAt(keys: readonly Times[], key: Times, now: number): boolean {
  const retired = retiresAt(keys, key)
  return retired === undefined || now < retired + publishedAfterMs
}

function inOrder<Key extends Times>(keys: readonly Key[], alg: SigningAlg): readonly Key[] {
  return keys
    .filter((key) => key.alg === alg)
    .sort((a, b) => a.activeAt - b.activeAt || a.createdAt - b.createdAt || (a.keyId < b.keyId ? -1 : 1))
}
