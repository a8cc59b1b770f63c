import { describe, expect, test } from 'vitest'
import type { KeyId } from '#gateway/kernel/ids.ts'
import { isPublishedAt, publishedAfterMs, signingAt, stateAt } from '#gateway/keys/signing-key.ts'

const key = (keyId: string, activeAt: number, createdAt = activeAt) =>
  ({ keyId: keyId as KeyId, alg: 'ES256', activeAt, createdAt }) as const

const [first, second, third] = [key('first', 100), key('second', 200), key('third', 300)]
const keys = [third, first, second]

describe('which key signs', () => {
  test.for([
    [50, 'first'],
    [100, 'first'],
    [199, 'first'],
    [200, 'second'],
    [299, 'second'],
    [300, 'third'],
    [10_000, 'third'],
  ] as const)('is decided by time alone: at %d it is the %s', ([now, keyId]) => {
    expect(signingAt(keys, 'ES256', now)?.keyId).toBe(keyId)
  })

  test('does not depend on the order in which a node read the keys, even when two begin together', () => {
    const [a, b] = [key('a', 100), key('b', 100)]
    expect(signingAt([a, b], 'ES256', 150)).toBe(signingAt([b, a], 'ES256', 150))
  })

  test('is none of another algorithm', () => {
    expect(signingAt(keys, 'RS256', 150)).toBeUndefined()
  })
})

describe('a key', () => {
  test('is next, active and retired in turn', () => {
    expect([50, 199, 200, 299, 300].map((now) => stateAt(keys, second, now))).toEqual([
      'next',
      'next',
      'active',
      'active',
      'retired',
    ])
  })

  test('is published before it signs and for 90 days after', () => {
    expect(isPublishedAt(keys, second, 0)).toBe(true)
    expect(isPublishedAt(keys, second, 300 + publishedAfterMs - 1)).toBe(true)
    expect(isPublishedAt(keys, second, 300 + publishedAfterMs)).toBe(false)
    expect(isPublishedAt(keys, third, Number.MAX_SAFE_INTEGER)).toBe(true)
  })
})
