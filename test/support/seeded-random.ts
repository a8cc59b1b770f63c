import { createHash } from 'node:crypto'
import type { Random } from '#gateway/kernel/random.ts'

/** Bytes that look random and are the same for the same seed: SHA-256 in counter mode. */
export function createSeededRandom(seed: number | string): Random {
  let counter = 0
  return {
    bytes: (size) => {
      const blocks: Buffer[] = []
      for (let length = 0; length < size; length += 32) {
        blocks.push(createHash('sha256').update(`${seed}/${counter++}`).digest())
      }
      return Buffer.concat(blocks).subarray(0, size)
    },
  }
}

/** A number in [0, 1) from the same stream. */
export function seededFraction(random: Random): number {
  return random.bytes(4).readUInt32BE() / 2 ** 32
}
