import { describe, expect, test } from 'vitest'
import type { Consent } from '#gateway/apps/consent.ts'
import type { ConsentRemovals, ConsentStore } from '#gateway/apps/store.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'

/** What every store of consents does. `open` gives an empty one. */
export function describeConsentStore(
  name: string,
  open: () => Promise<AsyncDisposable & { readonly consents: ConsentStore & ConsentRemovals }>,
): void {
  const ada = 'ada' as AccountId
  const wiki = 'wiki' as AppId
  const consent = (change: Partial<Consent> = {}): Consent => ({
    accountId: ada,
    appId: wiki,
    scopes: ['email', 'openid'],
    claims: [],
    grantedAt: 1_000,
    ...change,
  })

  describe(`a store of consents (${name})`, () => {
    test('gives back what was agreed to', async () => {
      await using store = await open()
      await store.consents.grant(consent({ claims: ['groups'] }))
      expect(await store.consents.find(ada, wiki)).toEqual(consent({ claims: ['groups'] }))
    })

    test('knows nothing of what nobody agreed to', async () => {
      await using store = await open()
      expect(await store.consents.find(ada, wiki)).toBeUndefined()
      expect(await store.consents.forget(ada, wiki)).toBe(false)
      expect(await store.consents.listByAccount(ada, 10)).toEqual([])
    })

    test('adds what is agreed to later', async () => {
      await using store = await open()
      await store.consents.grant(consent())
      await store.consents.grant(consent({ scopes: ['address'], claims: ['groups'], grantedAt: 2_000 }))
      expect(await store.consents.find(ada, wiki)).toEqual(
        consent({ scopes: ['address', 'email', 'openid'], claims: ['groups'], grantedAt: 2_000 }),
      )
    })

    test('loses nothing of what eight tabs agree to at once', async () => {
      await using store = await open()
      const scopes = Array.from({ length: 8 }, (_, tab) => `scope-${tab}`)
      await Promise.all(scopes.map((scope) => store.consents.grant(consent({ scopes: [scope] }))))
      expect((await store.consents.find(ada, wiki))?.scopes).toEqual(scopes)
    })

    test('forgets one agreement, those of an app and those of an account', async () => {
      await using store = await open()
      const mail = 'mail' as AppId
      const bob = 'bob' as AccountId
      for (const accountId of [ada, bob]) {
        for (const appId of [wiki, mail]) await store.consents.grant(consent({ accountId, appId }))
      }
      expect(await store.consents.forget(ada, wiki)).toBe(true)
      expect(await store.consents.find(ada, wiki)).toBeUndefined()
      expect(await store.consents.find(ada, mail)).toBeDefined()
      await store.consents.forgetApp(wiki)
      expect(await store.consents.find(bob, wiki)).toBeUndefined()
      await store.consents.forgetAccount(bob)
      expect(await store.consents.find(bob, mail)).toBeUndefined()
      expect(await store.consents.find(ada, mail)).toBeDefined()
    })

    test("lists an account's agreements, the newest first, and no more than asked for", async () => {
      await using store = await open()
      for (const [index, appId] of (['a', 'b', 'c'] as AppId[]).entries()) {
        await store.consents.grant(consent({ appId, grantedAt: index }))
      }
      expect((await store.consents.listByAccount(ada, 2)).map(({ appId }) => appId)).toEqual(['c', 'b'])
    })
  })
}
