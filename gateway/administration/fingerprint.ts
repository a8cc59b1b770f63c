import type { DeclaredAccount, DeclaredApp } from '#config/resolved.ts'
import { keyedDigest } from '../kernel/digest.ts'

/**
 * What tells whether an entry of the configuration file has changed since it was last applied (DECISIONS 32). Keyed, because the
 * entry may hold a password that is easy to guess. Where in the file it stands is no part of it.
 */
export function fingerprintOf(key: Uint8Array, entry: DeclaredApp | DeclaredAccount): string {
  const { source: _source, ...declared } = entry
  return keyedDigest(key, canonical(declared))
}

/** JSON with sorted members: the same entry gives the same text, in whatever order its keys were read. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
