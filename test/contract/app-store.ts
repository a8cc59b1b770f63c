import { describe, expect, test } from 'vitest'
import { changed } from '#gateway/apps/app.ts'
import type { AppRewrites, AppStore } from '#gateway/apps/store.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { anApp } from '#test/apps/builders.ts'

/** What every store of apps does. `open` gives an empty one. */
export function describeAppStore(
  name: string,
  open: () => Promise<AsyncDisposable & { readonly apps: AppStore & AppRewrites }>,
): void {
  const mail = 'mail' as AppId

  describe(`a store of apps (${name})`, () => {
    test('gives back what it was given', async () => {
      await using store = await open()
      const app = anApp({
        access: { kind: 'groups', groups: ['staff'] },
        sessions: { idleMs: 60_000, acr: 'phr' },
        logout: { causes: ['admin', 'idle'], appSignsOut: 'this-app', localSessionMs: 1_000 },
      })
      expect(await store.apps.insert(app)).toBe(true)
      expect(await store.apps.find(app.id)).toEqual(app)
      expect(await store.apps.list()).toEqual([app])
    })

    test('finds nothing under an id that nobody has', async () => {
      await using store = await open()
      expect(await store.apps.find(mail)).toBeUndefined()
      expect(await store.apps.list()).toEqual([])
    })

    test('takes each id once, however many insert it together', async () => {
      await using store = await open()
      const inserted = await Promise.all(Array.from({ length: 8 }, () => store.apps.insert(anApp())))
      expect(inserted.filter((won) => won)).toHaveLength(1)
      expect(await store.apps.list()).toHaveLength(1)
    })

    test('takes each client id once', async () => {
      await using store = await open()
      await store.apps.insert(anApp())
      const sameClient = anApp({ id: mail, oidc: { ...anApp().oidc, clientId: 'wiki' } })
      expect(await store.apps.insert(sameClient)).toBe(false)
      expect(await store.apps.insert(anApp({ id: mail }))).toBe(true)
      expect(await store.apps.replace(sameClient, sameClient.updatedAt)).toBe(false)
      expect((await store.apps.find(mail))?.oidc.clientId).toBe('mail')
    })

    test('lists by id', async () => {
      await using store = await open()
      await store.apps.insert(anApp())
      await store.apps.insert(anApp({ id: mail }))
      expect((await store.apps.list()).map(({ id }) => id)).toEqual(['mail', 'wiki'])
    })

    test('writes a change over the version it was made from, and over no other', async () => {
      await using store = await open()
      const app = anApp()
      await store.apps.insert(app)
      const first = changed(app, { ...app, name: 'First' }, app.updatedAt)
      const second = changed(app, { ...app, name: 'Second' }, app.updatedAt)
      const written = await Promise.all(
        [first, second].map((next) => store.apps.replace(next, app.updatedAt)),
      )
      expect(written.filter((won) => won)).toHaveLength(1)
      const now = await store.apps.find(app.id)
      expect(now?.name).toBe(written[0] ? 'First' : 'Second')
      expect(now?.updatedAt).toBeGreaterThan(app.updatedAt)
      expect(now?.createdAt).toBe(app.createdAt)
    })

    test('changes nothing that is not there', async () => {
      await using store = await open()
      expect(await store.apps.replace(anApp(), anApp().updatedAt)).toBe(false)
      expect(await store.apps.delete(anApp().id)).toBe(false)
    })

    test('forgets an app that was deleted', async () => {
      await using store = await open()
      await store.apps.insert(anApp())
      expect(await store.apps.delete(anApp().id)).toBe(true)
      expect(await store.apps.find(anApp().id)).toBeUndefined()
      expect(await store.apps.insert(anApp())).toBe(true)
    })

    test('knows which apps the configuration file declares, by their fingerprints', async () => {
      await using store = await open()
      const declared = anApp({ fileOwned: true })
      await store.apps.insert(declared, 'print-1')
      await store.apps.insert(anApp({ id: mail }))
      expect(await store.apps.fingerprints()).toEqual(new Map([[declared.id, 'print-1']]))
      expect((await store.apps.find(declared.id))?.fileOwned).toBe(true)
      expect((await store.apps.find(mail))?.fileOwned).toBe(false)
      const next = changed(declared, declared, declared.updatedAt)
      await store.apps.replace(next, declared.updatedAt, 'print-2')
      expect((await store.apps.fingerprints()).get(declared.id)).toBe('print-2')
      await store.apps.replace(changed(next, next, next.updatedAt), next.updatedAt)
      expect((await store.apps.find(declared.id))?.fileOwned).toBe(false)
    })
  })
}
