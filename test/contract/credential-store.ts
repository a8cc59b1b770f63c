import { describe, expect, it } from 'vitest'
import type { PasskeyCredential } from '#gateway/accounts/credential.ts'
import type { CredentialRemovals, CredentialStore } from '#gateway/accounts/store.ts'
import { type AccountId, type CredentialId, newId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

export interface OpenCredentialStore extends AsyncDisposable {
  readonly credentials: CredentialStore & CredentialRemovals
  /** The same database seen by another tenant. */
  readonly otherTenant: CredentialStore & CredentialRemovals
  readonly transaction: Transaction
}

const random = createSeededRandom('credential-store')
const now = 1_772_000_000_000
const ada = 'acc_ada' as AccountId

export function aPasskey(of: Partial<PasskeyCredential> = {}): PasskeyCredential {
  return {
    id: newId('credential', random),
    accountId: ada,
    webauthnId: random.bytes(16).toString('base64url'),
    publicKey: random.bytes(77).toString('base64url'),
    counter: 0,
    transports: ['internal', 'hybrid'],
    aaguid: '00000000-0000-0000-0000-000000000000',
    backupEligible: true,
    backedUp: false,
    name: 'Passkey',
    createdAt: now,
    ...of,
  }
}

/** What every CredentialStore does, whatever it is made of. */
export function describeCredentialStore(name: string, open: () => Promise<OpenCredentialStore>): void {
  describe(`CredentialStore: ${name}`, () => {
    it('gives back the passkey that was stored, by its id and by the id of its authenticator', async () => {
      await using store = await open()
      const passkey = aPasskey()
      expect(await store.credentials.insert(passkey, 20)).toBe('inserted')
      expect(await store.credentials.find(passkey.id)).toEqual(passkey)
      expect(await store.credentials.findByWebauthnId(passkey.webauthnId)).toEqual(passkey)
    })

    it('knows nothing of what was never stored', async () => {
      await using store = await open()
      const id = 'crd_none' as CredentialId
      expect(await store.credentials.find(id)).toBeUndefined()
      expect(await store.credentials.findByWebauthnId('none')).toBeUndefined()
      expect(await store.credentials.listByAccount(ada)).toEqual([])
      expect(await store.credentials.recordUse(id, { counter: 1, backedUp: false, at: now })).toBe('missing')
      expect(await store.credentials.rename(id, 'x')).toBe(false)
      expect(await store.credentials.delete(id)).toBeUndefined()
    })

    it('keeps a WebAuthn id for one credential, across all accounts', async () => {
      await using store = await open()
      const passkey = aPasskey()
      await store.credentials.insert(passkey, 20)
      const stolen = aPasskey({ webauthnId: passkey.webauthnId, accountId: 'acc_bob' as AccountId })
      expect(await store.credentials.insert(stolen, 20)).toBe('exists')
      expect(await store.credentials.findByWebauthnId(passkey.webauthnId)).toEqual(passkey)
    })

    it('lets an account hold so many and no more, however many come at once', async () => {
      await using store = await open()
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, () =>
          store.transaction.run(() => store.credentials.insert(aPasskey(), 5)),
        ),
      )
      expect(outcomes.filter((outcome) => outcome === 'inserted')).toHaveLength(5)
      expect(outcomes.filter((outcome) => outcome === 'too-many')).toHaveLength(7)
      expect(await store.credentials.insert(aPasskey({ accountId: 'acc_bob' as AccountId }), 5)).toBe(
        'inserted',
      )
    })

    it('lists the passkeys of one account, oldest first', async () => {
      await using store = await open()
      const young = aPasskey({ createdAt: now + 1 })
      const old = aPasskey({ createdAt: now })
      await store.credentials.insert(young, 20)
      await store.credentials.insert(old, 20)
      await store.credentials.insert(aPasskey({ accountId: 'acc_bob' as AccountId }), 20)
      expect(await store.credentials.listByAccount(ada)).toEqual([old, young])
    })

    it('notes a use with a counter that grew, and the backup state', async () => {
      await using store = await open()
      const passkey = aPasskey({ counter: 4 })
      await store.credentials.insert(passkey, 20)
      const use = { counter: 5, backedUp: true, at: now + 9 }
      expect(await store.credentials.recordUse(passkey.id, use)).toBe('recorded')
      expect(await store.credentials.find(passkey.id)).toEqual({
        ...passkey,
        counter: 5,
        backedUp: true,
        lastUsedAt: now + 9,
      })
    })

    it('accepts a counter that stays 0, and writes nothing for one that stood still or went back', async () => {
      await using store = await open()
      const uncounted = aPasskey({ counter: 0 })
      const counted = aPasskey({ counter: 7 })
      await store.credentials.insert(uncounted, 20)
      await store.credentials.insert(counted, 20)
      const use = { backedUp: false, at: now + 1 }
      expect(await store.credentials.recordUse(uncounted.id, { ...use, counter: 0 })).toBe('recorded')
      expect(await store.credentials.recordUse(counted.id, { ...use, counter: 7 })).toBe('regressed')
      expect(await store.credentials.recordUse(counted.id, { ...use, counter: 0 })).toBe('regressed')
      expect(await store.credentials.find(counted.id)).toEqual(counted)
    })

    it('accepts one of ten uses that show the same counter at once', async () => {
      await using store = await open()
      const passkey = aPasskey({ counter: 1 })
      await store.credentials.insert(passkey, 20)
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () =>
          store.credentials.recordUse(passkey.id, { counter: 2, backedUp: false, at: now }),
        ),
      )
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1)
    })

    it('renames a passkey', async () => {
      await using store = await open()
      const passkey = aPasskey()
      await store.credentials.insert(passkey, 20)
      expect(await store.credentials.rename(passkey.id, 'Blue key')).toBe(true)
      expect(await store.credentials.find(passkey.id)).toEqual({ ...passkey, name: 'Blue key' })
    })

    it('deletes a passkey for one of ten callers at once, and nothing finds it afterwards', async () => {
      await using store = await open()
      const passkey = aPasskey()
      await store.credentials.insert(passkey, 20)
      const deleted = await Promise.all(
        Array.from({ length: 10 }, () => store.credentials.delete(passkey.id)),
      )
      expect(deleted.filter((outcome) => outcome !== undefined)).toEqual([passkey])
      expect(await store.credentials.findByWebauthnId(passkey.webauthnId)).toBeUndefined()
    })

    it('shows nothing to another tenant', async () => {
      await using store = await open()
      const passkey = aPasskey()
      await store.credentials.insert(passkey, 20)
      expect(await store.otherTenant.find(passkey.id)).toBeUndefined()
      expect(await store.otherTenant.findByWebauthnId(passkey.webauthnId)).toBeUndefined()
      expect(await store.otherTenant.delete(passkey.id)).toBeUndefined()
    })
  })
}
