import { describe, expect, test } from 'vitest'
import type { ApiKey } from '#gateway/administration/api-key.ts'
import type { ApiKeyStore } from '#gateway/administration/store.ts'
import { minuteMs } from '#gateway/kernel/clock.ts'
import type { AccountId, ApiKeyId } from '#gateway/kernel/ids.ts'

export interface OpenApiKeyStore extends AsyncDisposable {
  readonly apiKeys: ApiKeyStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: ApiKeyStore
}

const noon = 1_700_000_000_000

const aKey = (id: string, change: Partial<ApiKey> = {}): ApiKey => ({
  id: id as ApiKeyId,
  name: `the program ${id}`,
  scopes: ['sessions:read', 'sessions:end'],
  createdAt: noon,
  createdBy: { kind: 'operator', accountId: 'ada' as AccountId },
  ...change,
})

/** What every store of API keys does. `open` gives an empty one. */
export function describeApiKeyStore(name: string, open: () => Promise<OpenApiKeyStore>): void {
  describe(`a store of API keys (${name})`, () => {
    test('gives back what it was given, by id, by hash and in a list, the newest first', async () => {
      await using store = await open()
      const older = aKey('key_older')
      const newer = aKey('key_newer', { createdAt: noon + 1, expiresAt: noon + minuteMs })
      await store.apiKeys.insert(older, 'hash of older')
      await store.apiKeys.insert(newer, 'hash of newer')
      expect(await store.apiKeys.find(newer.id)).toEqual(newer)
      expect(await store.apiKeys.findByHash('hash of older')).toEqual(older)
      expect(await store.apiKeys.list()).toEqual([newer, older])
    })

    test('knows nothing that it was not given, and nothing of another tenant', async () => {
      await using store = await open()
      await store.apiKeys.insert(aKey('key_one'), 'hash of one')
      expect(await store.apiKeys.find('key_two' as ApiKeyId)).toBeUndefined()
      expect(await store.apiKeys.findByHash('hash of two')).toBeUndefined()
      expect(await store.apiKeys.revoke('key_two' as ApiKeyId, noon)).toBe(false)
      expect(await store.otherTenant.find('key_one' as ApiKeyId)).toBeUndefined()
      expect(await store.otherTenant.findByHash('hash of one')).toBeUndefined()
      expect(await store.otherTenant.revoke('key_one' as ApiKeyId, noon)).toBe(false)
      expect(await store.otherTenant.list()).toEqual([])
    })

    test('refuses a second key of the same hash', async () => {
      await using store = await open()
      await store.apiKeys.insert(aKey('key_one'), 'the same')
      await expect(store.apiKeys.insert(aKey('key_two'), 'the same')).rejects.toThrow()
    })

    test('notes a use only when the last one lies further back than it is told', async () => {
      await using store = await open()
      const { id } = aKey('key_one')
      await store.apiKeys.insert(aKey('key_one'), 'hash of one')
      await store.apiKeys.markUsed(id, noon, noon - minuteMs)
      expect((await store.apiKeys.find(id))?.lastUsedAt).toBe(noon)
      await store.apiKeys.markUsed(id, noon + 1, noon + 1 - minuteMs)
      expect((await store.apiKeys.find(id))?.lastUsedAt).toBe(noon)
      await store.apiKeys.markUsed(id, noon + minuteMs + 1, noon + 1)
      expect((await store.apiKeys.find(id))?.lastUsedAt).toBe(noon + minuteMs + 1)
    })

    test('revokes once, and keeps when', async () => {
      await using store = await open()
      const { id } = aKey('key_one')
      await store.apiKeys.insert(aKey('key_one'), 'hash of one')
      const revoked = await Promise.all([0, 1, 2].map((later) => store.apiKeys.revoke(id, noon + later)))
      expect(revoked.filter((won) => won)).toHaveLength(1)
      const at = (await store.apiKeys.find(id))?.revokedAt
      expect(at).toBeGreaterThanOrEqual(noon)
      expect(await store.apiKeys.revoke(id, noon + minuteMs)).toBe(false)
      expect((await store.apiKeys.find(id))?.revokedAt).toBe(at)
      expect((await store.apiKeys.findByHash('hash of one'))?.revokedAt).toBe(at)
    })
  })
}
