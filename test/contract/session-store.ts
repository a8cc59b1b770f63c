import { describe, expect, test } from 'vitest'
import type { AccountId, CredentialId, LogoutId } from '#gateway/kernel/ids.ts'
import type { Transaction } from '#gateway/kernel/transaction.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import type { SessionStore } from '#gateway/sessions/store.ts'
import {
  ada,
  anAppSession,
  anEnding,
  anSsoSession,
  bob,
  noon,
  secretOf,
  ssoId,
} from '#test/sessions/builders.ts'

export interface OpenSessionStore extends AsyncDisposable {
  readonly sessions: SessionStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: SessionStore
  readonly transaction: Transaction
}

export type OpensSessionStore = () => Promise<OpenSessionStore>

/** Begins a session whose cookie's secret has a name that tests can guess. */
export async function begin(
  { sessions }: OpenSessionStore,
  name = 'laptop',
  change: Partial<SsoSession> = {},
): Promise<SsoSession> {
  const session = anSsoSession(name, change)
  await sessions.insert(session, secretOf(name), session.startedAt + 60_000)
  return session
}

/** Ends the session of that name. */
export async function end({ sessions }: OpenSessionStore, name = 'laptop', at = noon + 5_000): Promise<void> {
  await sessions.markEnded({ kind: 'sso-sessions', ids: [ssoId(name)] }, anEnding({ at }))
}

/** What every store of sessions does with the records of SsoSessions. `open` gives an empty one. */
export function describeSessionRecords(name: string, open: OpensSessionStore): void {
  describe(`a store of sessions (${name})`, () => {
    test('gives a session back as it was begun, times to the millisecond', async () => {
      await using store = await open()
      const session = await begin(store, 'laptop', {
        startedAt: noon + 1,
        authenticatedAt: noon - 123,
        remembered: true,
        acr: 'urn:gatehouse:acr:2',
        amr: ['pop', 'user', 'mfa'],
        credentialIds: ['crd_a', 'crd_b'] as CredentialId[],
        userAgent: 'Mozilla/5.0 “curly” \u{1f512}',
      })
      expect(await store.sessions.find(session.id)).toEqual(session)
    })

    test('knows nothing of what nobody began', async () => {
      await using store = await open()
      expect(await store.sessions.find(ssoId('nobody'))).toBeUndefined()
      expect(await store.sessions.findBySecret('nobody')).toBeUndefined()
      expect(await store.sessions.listByAccount(ada, { state: 'active', limit: 10 })).toEqual([])
      expect(await store.sessions.list({ limit: 10 })).toEqual([])
      expect(await store.sessions.leastRecentlyUsed(ada, 10)).toEqual([])
      expect(await store.sessions.appSessionsOf([], 'any')).toEqual([])
      expect(await store.sessions.endedBy('lgo_none' as LogoutId)).toEqual([])
      expect(await store.sessions.countActive(10)).toBe(0)
    })

    test('refuses a second session of the same id instead of overwriting the first', async () => {
      await using store = await open()
      const first = await begin(store)
      await expect(
        store.sessions.insert(anSsoSession('laptop', { accountId: bob }), 'other', noon),
      ).rejects.toThrow()
      expect(await store.sessions.find(first.id)).toEqual(first)
      expect(await store.sessions.findBySecret('other')).toBeUndefined()
    })

    test('shows one tenant nothing of another', async () => {
      await using store = await open()
      const session = await begin(store)
      const joined = await store.sessions.join(anAppSession(), undefined)
      expect(joined).toBeDefined()
      const other = store.otherTenant
      expect(await other.find(session.id)).toBeUndefined()
      expect(await other.findBySecret(secretOf('laptop'))).toBeUndefined()
      expect(await other.list({ limit: 10 })).toEqual([])
      expect(await other.findAppSession(anAppSession().id)).toBeUndefined()
      expect(await other.markEnded({ kind: 'account', accountId: ada }, anEnding())).toEqual({
        ssoSessions: [],
        appSessions: [],
      })
      expect((await store.sessions.find(session.id))?.ended).toBeUndefined()
    })

    test('rolls a beginning back with the transaction that it belongs to', async () => {
      await using store = await open()
      const failing = store.transaction.run(async () => {
        await begin(store)
        throw new Error('the sign-in failed later')
      })
      await expect(failing).rejects.toThrow('the sign-in failed later')
      expect(await store.sessions.find(ssoId('laptop'))).toBeUndefined()
      expect(await store.sessions.findBySecret(secretOf('laptop'))).toBeUndefined()
    })

    test('takes a stronger proof while the session lives and never after it ended', async () => {
      await using store = await open()
      const session = await begin(store)
      const proof = {
        authenticatedAt: noon + 1_000,
        lastSeenAt: noon + 1_000,
        acr: 'urn:gatehouse:acr:2',
        amr: ['pwd', 'pop'],
        credentialIds: ['crd_laptop'] as CredentialId[],
      } as const
      expect(await store.sessions.strengthen(session.id, proof)).toBe(true)
      expect(await store.sessions.find(session.id)).toEqual({ ...session, ...proof })

      await end(store)
      expect(await store.sessions.strengthen(session.id, { ...proof, acr: 'urn:gatehouse:acr:1' })).toBe(
        false,
      )
      expect(await store.sessions.find(session.id)).toEqual({ ...session, ...proof, ended: anEnding() })
      expect(await store.sessions.strengthen(ssoId('nobody'), proof)).toBe(false)
    })

    test('moves the last use forward and never back', async () => {
      await using store = await open()
      const { id } = await begin(store)
      await store.sessions.touch(id, noon + 60_000)
      await store.sessions.touch(id, noon + 30_000)
      expect((await store.sessions.find(id))?.lastSeenAt).toBe(noon + 60_000)
    })

    test('notes no use of an ended session', async () => {
      await using store = await open()
      const { id } = await begin(store)
      await end(store)
      await store.sessions.touch(id, noon + 60_000)
      expect((await store.sessions.find(id))?.lastSeenAt).toBe(noon)
    })

    test("lists an account's sessions by state, newest first, in pages that neither repeat nor skip", async () => {
      await using store = await open()
      for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
        // Two of them began in the same millisecond: the id breaks the tie.
        await begin(store, id, { startedAt: noon + Math.min(index, 2) })
      }
      await begin(store, 'bobs', { accountId: bob })
      await begin(store, 'over')
      await end(store, 'over')
      const ids = (list: readonly SsoSession[]) => list.map(({ id }) => id)

      const first = await store.sessions.listByAccount(ada, { state: 'active', limit: 3 })
      expect(ids(first)).toEqual([ssoId('d'), ssoId('c'), ssoId('b')])
      const last = first.at(-1)
      const before = { startedAt: last?.startedAt ?? 0, id: last?.id ?? ssoId('') }
      expect(ids(await store.sessions.listByAccount(ada, { state: 'active', limit: 3, before }))).toEqual([
        ssoId('a'),
      ])
      expect(ids(await store.sessions.listByAccount(ada, { state: 'ended', limit: 3 }))).toEqual([
        ssoId('over'),
      ])
      expect(ids(await store.sessions.list({ accountId: bob, limit: 9 }))).toEqual([ssoId('bobs')])
      expect(await store.sessions.list({ state: 'active', limit: 9 })).toHaveLength(5)
    })

    test('names the sessions used longest ago, ended ones left out', async () => {
      await using store = await open()
      await begin(store, 'newest', { lastSeenAt: noon + 3 })
      await begin(store, 'oldest', { lastSeenAt: noon + 1 })
      await begin(store, 'middle', { lastSeenAt: noon + 2 })
      await begin(store, 'over', { lastSeenAt: noon })
      await end(store, 'over')
      const least = await store.sessions.leastRecentlyUsed(ada, 2)
      expect(least.map(({ id }) => id)).toEqual([ssoId('oldest'), ssoId('middle')])
      expect(await store.sessions.leastRecentlyUsed('nobody' as AccountId, 2)).toEqual([])
    })

    test('counts active sessions, and not beyond the bound it was given', async () => {
      await using store = await open()
      for (const id of ['a', 'b', 'c', 'd']) await begin(store, id)
      await end(store, 'd')
      expect(await store.sessions.countActive(100)).toBe(3)
      expect(await store.sessions.countActive(2)).toBe(2)
    })

    test('names sessions whose time to be looked at has come, earliest first', async () => {
      await using store = await open()
      await store.sessions.insert(anSsoSession('late'), 's1', noon + 3_000)
      await store.sessions.insert(anSsoSession('soon'), 's2', noon + 1_000)
      await store.sessions.insert(anSsoSession('over'), 's3', noon + 500)
      await end(store, 'over')
      await store.sessions.join(anAppSession('wiki', 'late'), noon + 2_000)
      await store.sessions.join(anAppSession('board', 'late'), undefined)

      const due = await store.sessions.due(noon + 2_000, 10)
      expect(due.ssoSessions.map(({ id }) => id)).toEqual([ssoId('soon')])
      expect(due.appSessions.map(({ appId }) => appId)).toEqual(['wiki'])
      expect((await store.sessions.due(noon + 9_000, 1)).ssoSessions.map(({ id }) => id)).toEqual([
        ssoId('soon'),
      ])
    })

    test('looks earlier at what was to be looked at late, so many at a time, and at nothing that has ended', async () => {
      await using store = await open()
      await store.sessions.insert(anSsoSession('late'), 's1', noon + 3_000)
      await store.sessions.insert(anSsoSession('later'), 's2', noon + 4_000)
      await store.sessions.insert(anSsoSession('soon'), 's3', noon + 2_000)
      await store.sessions.insert(anSsoSession('over'), 's4', noon + 9_000)
      await end(store, 'over')
      expect(await store.sessions.bringForward(noon + 2_000, noon, 1)).toBe(1)
      expect(await store.sessions.bringForward(noon + 2_000, noon, 10)).toBe(1)
      expect(await store.sessions.bringForward(noon + 2_000, noon, 10)).toBe(0)
      const due = await store.sessions.due(noon, 10)
      expect(due.ssoSessions.map(({ id }) => id).sort()).toEqual([ssoId('late'), ssoId('later')].sort())
    })

    test('brings forward the AppSessions of one app that would be looked at too late, or never', async () => {
      await using store = await open()
      for (const [name, checkAt] of [
        ['laptop', undefined],
        ['phone', noon + 9_000],
        ['desk', noon + 1_000],
        ['ended', undefined],
      ] as const) {
        await begin(store, name)
        await store.sessions.join(anAppSession('wiki', name), checkAt)
        await store.sessions.join(anAppSession('board', name), undefined)
      }
      await end(store, 'ended')
      const [appId, latest] = [anAppSession('wiki').appId, noon + 2_000]
      expect(await store.otherTenant.bringAppForward(appId, latest, noon, 10)).toBe(0)
      expect(await store.sessions.bringAppForward(appId, latest, noon, 1)).toBe(1)
      expect(await store.sessions.bringAppForward(appId, latest, noon, 10)).toBe(1)
      expect(await store.sessions.bringAppForward(appId, latest, noon, 10)).toBe(0)
      const { appSessions } = await store.sessions.due(noon, 10)
      expect(appSessions.map(({ sid }) => sid).toSorted()).toEqual(['sid-laptop-wiki', 'sid-phone-wiki'])
    })

    test('looks again later when told to, but at nothing that has ended', async () => {
      await using store = await open()
      await begin(store)
      const { id } = anAppSession()
      await store.sessions.join(anAppSession(), noon)
      await store.sessions.recheckSsoSession(ssoId('laptop'), noon + 90_000)
      await store.sessions.recheckAppSession(id, noon + 90_000)
      expect(await store.sessions.due(noon + 89_999, 10)).toEqual({ ssoSessions: [], appSessions: [] })
      const due = await store.sessions.due(noon + 90_000, 10)
      expect([due.ssoSessions.length, due.appSessions.length]).toEqual([1, 1])

      await end(store)
      await store.sessions.recheckSsoSession(ssoId('laptop'), noon)
      await store.sessions.recheckAppSession(id, noon)
      expect(await store.sessions.due(noon + 99_000, 10)).toEqual({ ssoSessions: [], appSessions: [] })
    })
  })
}
