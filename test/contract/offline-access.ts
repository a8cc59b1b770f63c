import { describe, expect, test } from 'vitest'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import {
  ada,
  anAppSession,
  anEnding,
  anSsoSession,
  appSessionId,
  board,
  bob,
  laptopKey,
  noon,
  phoneKey,
  ssoId,
  wiki,
} from '#test/sessions/builders.ts'
import { aToken, type OpenArtifactStore, type OpensArtifactStore, withWiki } from './artifact-store.ts'

const later = noon + 86_400_000
const access = (grantId = 'grant', appSessionId = anAppSession().id) => ({
  grantId,
  appSessionId,
  at: noon,
  expiresAt: later,
})

const endLaptop = (store: OpenArtifactStore) =>
  store.sessions.markEnded({ kind: 'sso-sessions', ids: [ssoId('laptop')] }, anEnding())

const grantsOf = async (store: OpenArtifactStore, whose: Parameters<typeof store.tokens.listOffline>[0]) =>
  (await store.tokens.listOffline(whose, 9)).map(({ grantId }) => grantId)

/** Ada's wiki and board at her laptop, which a passkey opened, her wiki at the phone, and Bob's wiki: an access each, by these names. */
async function withFour(open: OpensArtifactStore): Promise<OpenArtifactStore> {
  const store = await open()
  await store.sessions.insert(anSsoSession('laptop', { credentialIds: [laptopKey] }), 'one', noon)
  await store.sessions.insert(anSsoSession('phone'), 'two', noon)
  await store.sessions.insert(anSsoSession('bobs', { accountId: bob }), 'three', noon)
  const at = [
    ['laptop-wiki', anAppSession('wiki', 'laptop')],
    ['laptop-board', anAppSession('board', 'laptop')],
    ['phone-wiki', anAppSession('wiki', 'phone')],
    ['bobs-wiki', anAppSession('wiki', 'bobs', { accountId: bob })],
  ] as const
  for (const [name, appSession] of at) {
    await store.sessions.join(appSession, undefined)
    await store.tokens.beginOffline(access(name, appSession.id))
    await store.tokens.insert(
      aToken({
        kind: 'RefreshToken',
        id: name,
        grantId: name,
        appSessionId: appSession.id,
        expiresAt: later,
      }),
    )
  }
  return store
}

/** Each selector, and what it finds. */
const selectors: readonly (readonly [what: string, SessionSelector, readonly string[]])[] = [
  ['a session', { kind: 'sso-sessions', ids: [ssoId('laptop')] }, ['laptop-board', 'laptop-wiki']],
  ['no session', { kind: 'sso-sessions', ids: [] }, []],
  ['an app session', { kind: 'app-sessions', ids: [appSessionId('phone-wiki')] }, ['phone-wiki']],
  ['no app session', { kind: 'app-sessions', ids: [] }, []],
  ['an account', { kind: 'account', accountId: ada }, ['laptop-board', 'laptop-wiki', 'phone-wiki']],
  [
    'an account but for a session',
    { kind: 'account', accountId: ada, except: ssoId('phone') },
    ['laptop-board', 'laptop-wiki'],
  ],
  ['an app', { kind: 'app', appId: wiki }, ['bobs-wiki', 'laptop-wiki', 'phone-wiki']],
  ["an account's part of an app", { kind: 'app', appId: wiki, accountId: bob }, ['bobs-wiki']],
  ['a passkey', { kind: 'credential', credentialId: laptopKey }, ['laptop-board', 'laptop-wiki']],
  [
    'a passkey but for a session',
    { kind: 'credential', credentialId: laptopKey, except: ssoId('laptop') },
    [],
  ],
  ['another passkey', { kind: 'credential', credentialId: phoneKey }, []],
]

/** What every store does about access that outlives its session. */
export function describeOfflineAccess(name: string, open: OpensArtifactStore): void {
  describe(`an offline access (${name})`, () => {
    test('is found with its tokens, listed by account and by app, the one used last first', async () => {
      await using store = await withFour(open)
      await store.tokens.useOffline('laptop-board', noon + 5, later + 5)
      expect(await store.tokens.find('RefreshToken', 'laptop-board')).toMatchObject({
        offline: { startedAt: noon, lastUsedAt: noon + 5 },
      })
      expect(await grantsOf(store, { accountId: ada })).toEqual(['laptop-board', 'laptop-wiki', 'phone-wiki'])
      expect(await grantsOf(store, { appId: board })).toEqual(['laptop-board'])
      expect(await store.tokens.listOffline({ accountId: ada }, 1)).toEqual([
        {
          grantId: 'laptop-board',
          accountId: ada,
          appId: board,
          appSessionId: appSessionId('laptop-board'),
          ssoSessionId: ssoId('laptop'),
          startedAt: noon,
          lastUsedAt: noon + 5,
        },
      ])
    })

    test('begins under a live session only, and once', async () => {
      await using store = await withWiki(open)
      expect(await store.tokens.beginOffline(access())).toBe(true)
      expect(await store.tokens.beginOffline({ ...access(), at: noon + 9 })).toBe(true)
      expect(await store.tokens.listOffline({ accountId: ada }, 9)).toMatchObject([{ startedAt: noon }])
      await endLaptop(store)
      expect(await store.tokens.beginOffline(access('late'))).toBe(false)
      expect(await store.tokens.beginOffline(access('nobody', appSessionId('nobody')))).toBe(false)
      await store.tokens.useOffline('late', noon, later)
      expect(await grantsOf(store, { accountId: ada })).toEqual(['grant'])
    })

    test('leaves its refresh tokens when the session ends so, and nothing else of it or of others', async () => {
      await using store = await withWiki(open)
      await store.tokens.beginOffline(access())
      for (const kind of ['AuthorizationCode', 'AccessToken', 'RefreshToken'] as const)
        await store.tokens.insert(aToken({ kind }))
      await store.tokens.insert(aToken({ kind: 'RefreshToken', id: 'usual', grantId: 'usual' }))
      await endLaptop(store)
      await store.tokens.revokeOfAppSessions([anAppSession().id], true)
      expect(await store.tokens.find('RefreshToken', 'one')).toMatchObject({ ended: true, offline: {} })
      expect(await store.tokens.find('AuthorizationCode', 'one')).toBeUndefined()
      expect(await store.tokens.find('AccessToken', 'one')).toBeUndefined()
      expect(await store.tokens.find('RefreshToken', 'usual')).toBeUndefined()
    })

    test('takes tokens after its session has ended, and no codes; other grants take none', async () => {
      await using store = await withWiki(open)
      await store.tokens.beginOffline(access())
      await endLaptop(store)
      expect(await store.tokens.insert(aToken({ kind: 'AccessToken' }))).toBe(true)
      expect(await store.tokens.insert(aToken({ kind: 'RefreshToken' }))).toBe(true)
      expect(await store.tokens.insert(aToken({ kind: 'AuthorizationCode' }))).toBe(false)
      expect(await store.tokens.insert(aToken({ kind: 'AccessToken', id: 'two', grantId: 'usual' }))).toBe(
        false,
      )
    })

    test.for(selectors)(
      'is revoked with its tokens by %s, sessions live or not',
      async ([, selector, found]) => {
        for (const ended of [false, true]) {
          await using store = await withFour(open)
          if (ended) await store.sessions.markEnded({ kind: 'account', accountId: ada }, anEnding())
          const all = ['laptop-board', 'laptop-wiki', 'phone-wiki', 'bobs-wiki']
          const revoked = (await store.tokens.revokeOffline(selector, 9)).map(({ grantId }) => grantId)
          expect(revoked.toSorted()).toEqual(found)
          for (const grant of all) {
            const token = await store.tokens.find('RefreshToken', grant)
            expect(token === undefined, grant).toBe(found.includes(grant))
            const late = aToken({ kind: 'AccessToken', id: grant, grantId: grant })
            if (ended && found.includes(grant)) expect(await store.tokens.insert(late)).toBe(false)
          }
          expect(await store.tokens.revokeOffline(selector, 9)).toEqual([])
        }
      },
    )

    test('is revoked in bounded steps, each by one of any number at once', async () => {
      await using store = await withFour(open)
      const everyone = { kind: 'app', appId: wiki } as const
      expect(await store.tokens.revokeOffline(everyone, 2)).toHaveLength(2)
      const rest = await Promise.all(Array.from({ length: 5 }, () => store.tokens.revokeOffline(everyone, 9)))
      expect(rest.flat()).toHaveLength(1)
    })

    test('goes with its grant', async () => {
      await using store = await withFour(open)
      await store.tokens.revokeGrant('laptop-wiki', noon, later)
      expect(await grantsOf(store, { accountId: ada })).toEqual(['laptop-board', 'phone-wiki'])
      expect(await store.tokens.find('RefreshToken', 'laptop-wiki')).toMatchObject({ grantRevoked: true })
    })

    test('is no other tenant’s', async () => {
      await using store = await withFour(open)
      expect(await store.otherTenant.listOffline({ accountId: ada }, 9)).toEqual([])
      expect(await store.otherTenant.revokeOffline({ kind: 'account', accountId: ada }, 9)).toEqual([])
      await store.otherTenant.useOffline('laptop-wiki', noon + 5, later)
      expect(await store.otherTenant.beginOffline(access('other'))).toBe(false)
      expect(await store.tokens.listOffline({ accountId: ada }, 9)).toMatchObject([
        { lastUsedAt: noon },
        { lastUsedAt: noon },
        { lastUsedAt: noon },
      ])
    })

    test('is swept when it has expired, and its session is kept until then and a day at most', async () => {
      await using store = await withFour(open)
      await store.sessions.markEnded({ kind: 'account', accountId: ada }, anEnding())
      await store.tokens.revokeOffline({ kind: 'app', appId: wiki }, 9)
      const day = 86_400_000
      expect(await store.sessions.deleteEnded(later, 9, later - 1)).toBe(2)
      expect(await store.sessions.find(ssoId('phone'))).toBeUndefined()
      expect(await store.sessions.findAppSession(appSessionId('laptop-board'))).toBeDefined()
      // It is not gone through again before its day.
      expect(await store.sessions.deleteEnded(later, 9, later - 1)).toBe(0)
      expect(await store.tokens.deleteExpired(later - 1, 9)).toBe(0)
      await store.tokens.deleteExpired(later, 9)
      expect(await grantsOf(store, { accountId: ada })).toEqual([])
      expect(await store.sessions.deleteEnded(later, 9, later - 1 + day)).toBe(1)
      expect(await store.sessions.find(ssoId('laptop'))).toBeUndefined()
      expect(await store.sessions.find(ssoId('bobs'))).toBeDefined()
    })
  })
}
