/**
 * Hashing passwords without letting a storm of them starve the rest.
 *
 * Owns: how many hashes run and wait at once, and that checking costs the same whether or not there is anything to check against.
 * Relies on: PasswordHasher. Never: knows accounts.
 *
 * Hashes run on libuv's four threads, which file and crypto work share: with 32 of them in flight an asynchronous signature took
 * 359 ms instead of 0.7. Two in flight leave half of the threads free.
 */
import { normalisePassword } from './directory.ts'
import type { PasswordHasher } from './password-hasher.ts'

export type HashOutcome = { readonly kind: 'hashed'; readonly hash: string } | PasswordsBusy
export type VerifyOutcome =
  /** `rehash`: the hash was made with older parameters. */
  { readonly kind: 'right'; readonly rehash: boolean } | { readonly kind: 'wrong' } | PasswordsBusy
export interface PasswordsBusy {
  readonly kind: 'busy'
  readonly retryAfterSeconds: number
}

export interface Passwords {
  /** A hash of a new password. Its rules are the caller's to have checked (`directory.newPasswordProblem`). */
  hash(password: string): Promise<HashOutcome>
  /** Without a hash the answer is `wrong`, after the same work. */
  verify(passwordHash: string | undefined, password: string): Promise<VerifyOutcome>
}

export interface PasswordsDeps {
  readonly hasher: PasswordHasher
  /** Cores that this process may use. */
  readonly cores: number
}

/** Half of libuv's threads, and never more than there are cores. */
const inFlightMax = 2
/** A hash takes about 25 ms of a core: so many waiting for one place are two seconds of work. */
const waitingPerPlace = 80
/** The queue is empty again by then. */
const retryAfterSeconds = 2

/** Creates the bounded queue that every hash goes through. */
export function createPasswords({ hasher, cores }: PasswordsDeps): Passwords {
  const places = Math.max(1, Math.min(inFlightMax, cores))
  const waitingMax = places * waitingPerPlace
  const waiting: (() => void)[] = []
  let inFlight = 0

  /** Runs `work` when its turn comes; undefined when the queue is full. First come, first served. */
  const bounded = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (inFlight >= places) {
      if (waiting.length >= waitingMax) return undefined
      // Whoever finishes hands over the place, so `inFlight` stays as it is.
      await new Promise<void>((turn) => waiting.push(turn))
    } else {
      inFlight++
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inFlight--
      else next()
    }
  }

  const busy: PasswordsBusy = { kind: 'busy', retryAfterSeconds }

  return {
    hash: async (password) => {
      const normalised = normalisePassword(password)
      if (normalised === undefined) throw new RangeError('A password to be hashed must have been validated.')
      const hash = await bounded(() => hasher.hash(normalised))
      return hash === undefined ? busy : { kind: 'hashed', hash }
    },

    verify: async (passwordHash, password) => {
      const normalised = normalisePassword(password)
      // Nobody's password: refused before any work, whoever is asked for, so it tells nothing (N-126).
      if (normalised === undefined) return { kind: 'wrong' }
      const right = await bounded(() => hasher.verify(passwordHash ?? hasher.dummyHash, normalised))
      if (right === undefined) return busy
      if (!right || passwordHash === undefined) return { kind: 'wrong' }
      return { kind: 'right', rehash: !hasher.isCurrent(passwordHash) }
    },
  }
}
