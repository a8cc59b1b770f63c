import { describe, expect, it } from 'vitest'
import { createArgon2Hasher } from '#adapters/argon2.ts'
import { createPasswords } from '#gateway/accounts/passwords.ts'
import { createCountingHasher } from '#test/sign-in/harness.ts'

/** A queue whose hashes finish only when they are let go. */
function held(cores: number) {
  const { hasher, counted, state } = createCountingHasher()
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  return { passwords: createPasswords({ hasher, cores }), counted, release: gate.resolve }
}

/** Lets everything that can go on without the gate go on. */
const settle = () => new Promise<void>((next) => setImmediate(next))

describe('the queue of hashes', () => {
  it.for([
    [1, 1],
    [2, 2],
    [64, 2],
  ] as const)('runs at once, on %i cores, %i', async ([cores, inFlight]) => {
    const { passwords, counted, release } = held(cores)
    const all = Array.from({ length: 10 }, () => passwords.verify(undefined, 'guess'))
    await settle()
    expect(counted.verifications).toBe(inFlight)
    release()
    expect(await Promise.all(all)).toEqual(Array.from({ length: 10 }, () => ({ kind: 'wrong' })))
    expect(counted.verifications).toBe(10)
  })

  it('lets so many wait and tells the rest at once to come back', async () => {
    const { passwords, counted, release } = held(2)
    const all = Array.from({ length: 200 }, () => passwords.verify(undefined, 'guess'))
    await settle()
    expect(await Promise.all(all.slice(162))).toEqual(
      Array.from({ length: 38 }, () => ({ kind: 'busy', retryAfterSeconds: 2 })),
    )
    release()
    const waited = await Promise.all(all.slice(0, 162))
    expect(waited.every(({ kind }) => kind === 'wrong')).toBe(true)
    expect(counted.verifications).toBe(162)
    expect(await passwords.verify(undefined, 'guess')).toEqual({ kind: 'wrong' })
  })

  it('counts new passwords and guesses together', async () => {
    const { passwords, release } = held(1)
    const all = Array.from({ length: 81 }, () => passwords.verify(undefined, 'guess'))
    expect(await passwords.hash('a new password')).toEqual({ kind: 'busy', retryAfterSeconds: 2 })
    release()
    await Promise.all(all)
    expect(await passwords.hash('a new password')).toMatchObject({ kind: 'hashed' })
  })

  it('goes on after a hash that failed', async () => {
    const { hasher } = createCountingHasher()
    let failures = 3
    const passwords = createPasswords({
      hasher: {
        ...hasher,
        verify: async (passwordHash, password) => {
          if (failures-- > 0) throw new Error('out of memory')
          return hasher.verify(passwordHash, password)
        },
      },
      cores: 1,
    })
    const all = await Promise.allSettled(
      Array.from({ length: 6 }, () => passwords.verify(undefined, 'guess')),
    )
    expect(all.map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ])
  })
})

describe('argon2id', () => {
  const hasher = createArgon2Hasher()

  it('verifies what it hashed and nothing else, each time with another salt', async () => {
    const passwords = createPasswords({ hasher, cores: 2 })
    const [one, two] = await Promise.all([
      passwords.hash('cre\u0300me br\u00fbl\u00e9e'),
      passwords.hash('cre\u0300me br\u00fbl\u00e9e'),
    ])
    if (one.kind !== 'hashed' || two.kind !== 'hashed') throw new Error('busy')
    expect(one.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one.hash).not.toBe(two.hash)
    expect(await passwords.verify(one.hash, 'cr\u00e8me br\u00fbl\u00e9e')).toEqual({
      kind: 'right',
      rehash: false,
    })
    expect(await passwords.verify(one.hash, 'creme brulee')).toEqual({ kind: 'wrong' })
  })

  it('is not cut at a NUL', async () => {
    const hash = await hasher.hash('one\u0000two')
    expect(await hasher.verify(hash, 'one\u0000two')).toBe(true)
    expect(await hasher.verify(hash, 'one\u0000three')).toBe(false)
    expect(await hasher.verify(hash, 'one')).toBe(false)
  })

  it('has a dummy hash of today\u2019s parameters', () => {
    expect(hasher.isCurrent(hasher.dummyHash)).toBe(true)
  })

  it('verifies hashes of other parameters and says that they are out of date', async () => {
    const older =
      '$argon2id$v=19$m=16,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$VELfEFk+c+SWpFpmCTpOHxuj/eoxwePKuQNYjjAiOqM'
    expect(hasher.isCurrent(older)).toBe(false)
    expect(await hasher.verify(older, 'not this')).toBe(false)
  })

  it.for(['', 'plain text', '$argon2id$v=19$m=19456,t=2,p=1$', '$2b$10$abcdefghijklmnopqrstuv'])(
    'takes %j for no hash at all',
    async (text) => {
      expect(await hasher.verify(text, 'password')).toBe(false)
      expect(hasher.isCurrent(text)).toBe(false)
    },
  )
})
