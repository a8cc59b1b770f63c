import { describe, expect, test } from 'vitest'
import type { KeyId } from '#gateway/kernel/ids.ts'
import type { KeyStore, StoredKey } from '#gateway/keys/store.ts'

/** What every store of keys does. `open` gives an empty one. */
export function describeKeyStore(
  name: string,
  open: () => Promise<AsyncDisposable & { readonly keys: KeyStore }>,
): void {
  const key = (keyId: string, change: Partial<StoredKey> = {}): StoredKey => ({
    keyId: keyId as KeyId,
    alg: 'ES256',
    publicJwk: { kid: keyId, kty: 'EC', alg: 'ES256', use: 'sig', crv: 'P-256', x: 'x', y: 'y' },
    sealedPrivate: `sealed ${keyId}`,
    activeAt: 2_000,
    createdAt: 1_000,
    ...change,
  })

  describe(`a store of keys (${name})`, () => {
    test('gives back what it was given, the oldest first', async () => {
      await using store = await open()
      const [older, newer] = [key('b'), key('a', { createdAt: 1_001, alg: 'RS256' })]
      await store.keys.insertKey(newer)
      await store.keys.insertKey(older)
      expect(await store.keys.listKeys()).toEqual([older, newer])
    })

    test('takes one first key of each algorithm, however many processes start together', async () => {
      await using store = await open()
      const inserted = await Promise.all(
        Array.from({ length: 8 }, (_, process) => store.keys.insertFirstKey(key(`key-${process}`))),
      )
      expect(inserted.filter((won) => won)).toHaveLength(1)
      expect(await store.keys.insertFirstKey(key('rsa', { alg: 'RS256' }))).toBe(true)
      expect(await store.keys.listKeys()).toHaveLength(2)
    })

    test('notes once when a key stopped signing', async () => {
      await using store = await open()
      await store.keys.insertKey(key('a'))
      const noted = await Promise.all(
        Array.from({ length: 8 }, () => store.keys.retireKey('a' as KeyId, 3_000)),
      )
      expect(noted.filter((won) => won)).toHaveLength(1)
      expect(await store.keys.listKeys()).toEqual([key('a', { retiredAt: 3_000 })])
      expect(await store.keys.retireKey('unknown' as KeyId, 3_000)).toBe(false)
    })

    test('forgets a deleted key', async () => {
      await using store = await open()
      await store.keys.insertKey(key('a'))
      expect(await store.keys.deleteKey('a' as KeyId)).toBe(true)
      expect(await store.keys.deleteKey('a' as KeyId)).toBe(false)
      expect(await store.keys.listKeys()).toEqual([])
    })

    test('keeps the first secret of a name, however many are stored together', async () => {
      await using store = await open()
      expect(await store.keys.findSecret('cookie')).toBeUndefined()
      await Promise.all(
        Array.from({ length: 8 }, (_, at) => store.keys.addSecret('cookie', `sealed ${at}`, at)),
      )
      const first = await store.keys.findSecret('cookie')
      await store.keys.addSecret('cookie', 'another', 9)
      expect(await store.keys.findSecret('cookie')).toBe(first)
      expect(await store.keys.findSecret('pairwise')).toBeUndefined()
    })
  })
}
