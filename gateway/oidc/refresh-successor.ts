import { keyedDigest } from '../kernel/digest.ts'

/** The successor of a rotated refresh token: derived, so that the same one can be given again while only hashes are stored. */
export function refreshSuccessor(key: Uint8Array, token: string): string {
  return keyedDigest(key, `refresh/${token}`)
}
