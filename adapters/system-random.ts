import { randomBytes } from 'node:crypto'
import type { Random } from '#gateway/kernel/random.ts'

/** The operating system's generator. */
export const systemRandom: Random = { bytes: (size) => randomBytes(size) }
