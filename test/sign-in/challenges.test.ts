import { describe, expect, it } from 'vitest'
import { type Ceremony, createChallenges } from '#gateway/sign-in/challenges.ts'
import { openSignIn } from './harness.ts'

describe('challenges', () => {
  it('come back with what was kept, once', async () => {
    await using test = await openSignIn()
    const challenges = createChallenges(test)
    const challenge = await challenges.issue('set-up', ['a', 'b'], { name: 'Ada' })
    expect(await challenges.redeem('set-up', ['a', 'b'], challenge)).toEqual({ name: 'Ada' })
    expect(await challenges.redeem('set-up', ['a', 'b'], challenge)).toBeUndefined()
  })

  it.for<[string, Ceremony, readonly string[]]>([
    ['another ceremony', 'registration', ['a', 'b']],
    ['another owner', 'sign-in', ['a', 'c']],
    ['an owner with fewer parts', 'sign-in', ['a']],
    ['an owner whose parts are cut elsewhere', 'sign-in', ['ab', '']],
    ['no owner', 'sign-in', []],
  ])('mean nothing to %s, even for the same words (N-141)', async ([, ceremony, owner]) => {
    await using test = await openSignIn()
    const challenges = createChallenges(test)
    const challenge = await challenges.issue('sign-in', ['a', 'b'])
    expect(await challenges.redeem(ceremony, owner, challenge)).toBeUndefined()
    expect(await challenges.redeem('sign-in', ['a', 'b'], challenge)).toBe(true)
  })

  it('are stored under a digest, so that a stolen database answers none (N-006)', async () => {
    await using test = await openSignIn()
    const challenge = await createChallenges(test).issue('sign-in', ['a'])
    expect(await test.ephemeral.get('passkey-challenge-sign-in', challenge)).toBeUndefined()
  })
})
