import { describe, expect, it } from 'vitest'
import type { AccountId, CredentialId } from '#gateway/kernel/ids.ts'
import type { Proof } from '#gateway/sign-in/attempt.ts'
import { decide } from '#gateway/sign-in/decision.ts'

const ada = 'acc_ada' as AccountId
const bob = 'acc_bob' as AccountId
const key = 'crd_key' as CredentialId

function password(at: number, accountId = ada): Proof {
  return { method: 'password', accountId, at, passwordChangedAt: 1 }
}
function passkey(at: number, accountId = ada): Proof {
  return { method: 'passkey', accountId, at, credentialId: key, backupEligible: false }
}

describe('the decision', () => {
  it('takes any proof when nothing more is wanted', () => {
    expect(decide({}, [], password(10))).toEqual({
      kind: 'enough',
      accountId: ada,
      authentication: {
        methods: ['password'],
        amr: ['pwd'],
        acr: 'urn:gatehouse:acr:1',
        credentialIds: [],
        at: 10,
      },
      proofs: [password(10)],
    })
  })

  it.for(['urn:gatehouse:acr:2', 'phr'])(
    'wants a passkey after a password for %s, and is content with one',
    (acr) => {
      expect(decide({ acr }, [], password(10))).toEqual({ kind: 'more-needed', why: 'passkey' })
      expect(decide({ acr }, [], passkey(10))).toMatchObject({
        kind: 'enough',
        authentication: {
          acr: 'urn:gatehouse:acr:2',
          amr: ['pop', 'user', 'mfa', 'hwk'],
          credentialIds: [key],
        },
      })
    },
  )

  it('is content with a password for one factor', () => {
    expect(decide({ acr: 'urn:gatehouse:acr:1' }, [], password(10))).toMatchObject({ kind: 'enough' })
  })

  it('refuses a strength that nothing meets, instead of asking for ever', () => {
    expect(decide({ acr: 'urn:example:unknown' }, [], password(10))).toEqual({
      kind: 'more-needed',
      why: 'passkey',
    })
    expect(decide({ acr: 'urn:example:unknown' }, [], passkey(10))).toEqual({ kind: 'refused' })
  })

  it('adds proofs of one person up, and dates them by the last', () => {
    expect(decide({ acr: 'phr' }, [password(10)], passkey(20))).toMatchObject({
      kind: 'enough',
      authentication: {
        methods: ['password', 'passkey'],
        amr: ['pwd', 'pop', 'user', 'mfa', 'hwk'],
        at: 20,
      },
      proofs: [password(10), passkey(20)],
    })
  })

  it('never adds up what two people proved', () => {
    const decision = decide({}, [passkey(10, bob)], password(20))
    expect(decision).toMatchObject({ accountId: ada, proofs: [password(20)] })
    expect(decide({ acr: 'phr' }, [passkey(10, bob)], password(20))).toMatchObject({ kind: 'more-needed' })
  })

  it('leaves out proofs that are older than the request allows', () => {
    expect(decide({ provedAfter: 15 }, [passkey(10)], password(20))).toMatchObject({
      authentication: { methods: ['password'] },
    })
    expect(decide({ provedAfter: 10 }, [passkey(10)], password(20))).toMatchObject({
      authentication: { methods: ['passkey', 'password'] },
    })
  })

  it('counts the latest proof of each method only', () => {
    expect(decide({}, [password(5), passkey(6), passkey(7), password(8)], password(9))).toMatchObject({
      proofs: [passkey(7), password(9)],
    })
  })

  it('refuses another person than was wanted, whatever they prove', () => {
    expect(decide({ accountId: ada }, [], passkey(10, bob))).toEqual({ kind: 'refused' })
    expect(decide({ accountId: ada }, [passkey(5, ada)], password(10, bob))).toEqual({ kind: 'refused' })
    expect(decide({ accountId: ada }, [], password(10))).toMatchObject({ kind: 'enough' })
  })
})
