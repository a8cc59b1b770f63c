import { type Algorithm, hash, parseOptions, type Version, verify } from '@node-rs/argon2'
import type { PasswordHasher } from '#gateway/accounts/password-hasher.ts'

/** OWASP's first choice of argon2id parameters: 19 MiB, two passes, one lane. About 20 ms of a core. */
const memoryKiB = 19_456
const passes = 2
const lanes = 1
const outputBytes = 32
/** The binding declares its enums for types only; at run time they are empty objects. */
const argon2id: Algorithm = 2
const version19: Version = 1

/**
 * argon2id of 32 random bytes that nobody kept, made with the parameters above (a test fails when the two part).
 */
const dummyHash =
  '$argon2id$v=19$m=19456,t=2,p=1$wSbDhusTUEN1Vstz0JRu6A$re54INOVqv3BFPBG76q0ms4iYTL1IDXEXKphoIctNT0'

/** argon2id in native code on libuv's threads. */
export function createArgon2Hasher(): PasswordHasher {
  return {
    hash: (password) =>
      hash(password, {
        algorithm: argon2id,
        version: version19,
        memoryCost: memoryKiB,
        timeCost: passes,
        parallelism: lanes,
        outputLen: outputBytes,
      }),
    verify: async (passwordHash, password) =>
      parse(passwordHash) !== undefined && (await verify(passwordHash, password)),
    isCurrent: (passwordHash) => {
      const made = parse(passwordHash)
      return (
        made !== undefined &&
        made.algorithm === argon2id &&
        made.version === version19 &&
        made.memoryCost === memoryKiB &&
        made.timeCost === passes &&
        made.parallelism === lanes &&
        made.outputLen === outputBytes
      )
    },
    dummyHash,
  }
}

/** The parameters that a hash was made with; undefined for text that is no PHC string, on which the binding throws. */
function parse(passwordHash: string): ReturnType<typeof parseOptions> | undefined {
  try {
    return parseOptions(passwordHash)
  } catch {
    return undefined
  }
}
