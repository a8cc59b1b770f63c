import { describe, expect, test } from 'vitest'
import type { ArtifactStore, StoredToken } from '#gateway/oidc/store.ts'
import type { SessionStore, TokenStore } from '#gateway/sessions/store.ts'
import { anAppSession, anEnding, anSsoSession, appSessionId, noon, ssoId } from '#test/sessions/builders.ts'

export interface OpenArtifactStore extends AsyncDisposable {
  readonly tokens: ArtifactStore & TokenStore
  readonly sessions: SessionStore
  /** The same database as another tenant sees it. */
  readonly otherTenant: ArtifactStore & TokenStore
}

export type OpensArtifactStore = () => Promise<OpenArtifactStore>

/** A code of the wiki's session at Ada's laptop. */
export function aToken(change: Partial<StoredToken> = {}): StoredToken {
  return {
    kind: 'AuthorizationCode',
    id: 'one',
    grantId: 'grant',
    appSessionId: anAppSession().id,
    payload: { scope: 'openid', nested: { list: [1, 'two', null] } },
    expiresAt: noon + 60_000,
    ...change,
  }
}

/** A store in which Ada's laptop has opened the wiki. */
export async function withWiki(open: OpensArtifactStore): Promise<OpenArtifactStore> {
  const store = await open()
  await store.sessions.insert(anSsoSession(), 'secret', noon)
  await store.sessions.join(anAppSession(), undefined)
  return store
}

const endWiki = (store: OpenArtifactStore) =>
  store.sessions.markEnded({ kind: 'app-sessions', ids: [anAppSession().id] }, anEnding())
const endLaptop = (store: OpenArtifactStore) =>
  store.sessions.markEnded({ kind: 'sso-sessions', ids: [ssoId('laptop')] }, anEnding())

/** What every store of codes and tokens does. `open` gives an empty one. */
export function describeArtifactStore(name: string, open: OpensArtifactStore): void {
  describe(`a store of codes and tokens (${name})`, () => {
    test('gives a token back with all that its life hangs on, in one read', async () => {
      await using store = await withWiki(open)
      expect(await store.tokens.insert(aToken())).toBe(true)
      const { id, startedAt, lastSeenAt, remembered } = anSsoSession()
      expect(await store.tokens.find('AuthorizationCode', 'one')).toEqual({
        ...aToken(),
        grantRevoked: false,
        ended: false,
        appSession: anAppSession(),
        ssoSession: { id, startedAt, lastSeenAt, remembered },
      })
    })

    test('finds a token under its own kind only', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken())
      expect(await store.tokens.find('RefreshToken', 'one')).toBeUndefined()
      expect(await store.tokens.find('AuthorizationCode', 'two')).toBeUndefined()
    })

    test('finds what has expired too, because its reader decides that', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken({ expiresAt: 1 }))
      expect((await store.tokens.find('AuthorizationCode', 'one'))?.expiresAt).toBe(1)
    })

    test('shows one tenant nothing of another', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken())
      expect(await store.otherTenant.insert(aToken({ id: 'two' }))).toBe(false)
      expect(await store.otherTenant.find('AuthorizationCode', 'one')).toBeUndefined()
      expect(await store.otherTenant.consume('AuthorizationCode', 'one', noon)).toBe(false)
      await store.otherTenant.revokeOfAppSessions([anAppSession().id], false)
      await store.otherTenant.revokeGrant('grant', noon, noon + 1)
      expect(await store.tokens.find('AuthorizationCode', 'one')).toMatchObject({ grantRevoked: false })
    })

    test('stores nothing under an app session that has ended, or never was', async () => {
      await using store = await withWiki(open)
      expect(await store.tokens.insert(aToken({ appSessionId: appSessionId('nobody') }))).toBe(false)
      await endWiki(store)
      expect(await store.tokens.insert(aToken())).toBe(false)
      expect(await store.tokens.find('AuthorizationCode', 'one')).toBeUndefined()
    })

    test('stores nothing under a session that has ended', async () => {
      await using store = await withWiki(open)
      await endLaptop(store)
      expect(await store.tokens.insert(aToken())).toBe(false)
    })

    test('lets no token outlive an end at the same instant: it was not stored, or its session says it ended', async () => {
      for (let round = 0; round < 25; round++) {
        await using store = await withWiki(open)
        const [stored] = await Promise.all([store.tokens.insert(aToken()), endLaptop(store)])
        const found = await store.tokens.find('AuthorizationCode', 'one')
        expect(found === undefined).toBe(!stored)
        if (found !== undefined) expect(found.ended).toBe(true)
      }
    })

    test('keeps the first token of an id and says yes to the same one again', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken({ kind: 'RefreshToken' }))
      await store.tokens.consume('RefreshToken', 'one', noon + 1)
      const again = aToken({ kind: 'RefreshToken', payload: { scope: 'more' }, expiresAt: noon + 99_000 })
      expect(await store.tokens.insert(again)).toBe(true)
      expect(await store.tokens.find('RefreshToken', 'one')).toMatchObject({
        ...aToken({ kind: 'RefreshToken' }),
        consumedAt: noon + 1,
      })
      await endWiki(store)
      expect(await store.tokens.insert(again)).toBe(false)
    })

    test('marks a token used for one of a hundred at once, and remembers when', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken())
      const won = await Promise.all(
        Array.from({ length: 100 }, (_, at) => store.tokens.consume('AuthorizationCode', 'one', noon + at)),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      expect((await store.tokens.find('AuthorizationCode', 'one'))?.consumedAt).toBe(noon + won.indexOf(true))
      expect(await store.tokens.consume('AuthorizationCode', 'nobody', noon)).toBe(false)
      expect(await store.tokens.consume('AccessToken', 'one', noon)).toBe(false)
    })

    test('deletes one token and no other', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken())
      await store.tokens.insert(aToken({ id: 'two' }))
      await store.tokens.insert(aToken({ kind: 'AccessToken' }))
      await store.tokens.delete('AuthorizationCode', 'one')
      await store.tokens.delete('AuthorizationCode', 'nobody')
      expect(await store.tokens.find('AuthorizationCode', 'one')).toBeUndefined()
      expect(await store.tokens.find('AuthorizationCode', 'two')).toBeDefined()
      expect(await store.tokens.find('AccessToken', 'one')).toBeDefined()
    })
  })

  describe(`a revoked grant (${name})`, () => {
    test('is revoked for everything that came of it, and for what is stored later', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken())
      await store.tokens.insert(aToken({ id: 'other', grantId: 'another' }))
      expect(await store.tokens.revokeGrant('grant', noon, noon + 60_000)).toBe(true)
      await store.tokens.insert(aToken({ kind: 'AccessToken', id: 'late' }))
      expect((await store.tokens.find('AuthorizationCode', 'one'))?.grantRevoked).toBe(true)
      expect((await store.tokens.find('AccessToken', 'late'))?.grantRevoked).toBe(true)
      expect((await store.tokens.find('AuthorizationCode', 'other'))?.grantRevoked).toBe(false)
    })

    test('is told apart by who was first to revoke it', async () => {
      await using store = await withWiki(open)
      const first = await Promise.all(
        Array.from({ length: 8 }, () => store.tokens.revokeGrant('grant', noon, noon + 60_000)),
      )
      expect(first.filter(Boolean)).toHaveLength(1)
    })

    test('stays revoked until the time that was asked for', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken({ expiresAt: noon + 999_000 }))
      await store.tokens.revokeGrant('grant', noon, noon + 60_000)
      await store.tokens.deleteExpired(noon + 59_999, 100)
      expect((await store.tokens.find('AuthorizationCode', 'one'))?.grantRevoked).toBe(true)
      expect(await store.tokens.deleteExpired(noon + 60_000, 100)).toBe(1)
    })
  })

  describe(`tokens of app sessions (${name})`, () => {
    test('are gone with them, all kinds, and those of others stay', async () => {
      await using store = await withWiki(open)
      const boards = anAppSession('board')
      await store.sessions.join(boards, undefined)
      for (const kind of ['AuthorizationCode', 'AccessToken', 'RefreshToken'] as const)
        await store.tokens.insert(aToken({ kind }))
      await store.tokens.insert(aToken({ kind: 'AccessToken', id: 'boards', appSessionId: boards.id }))
      await store.tokens.revokeOfAppSessions([], false)
      expect(await store.tokens.find('AccessToken', 'one')).toBeDefined()
      await store.tokens.revokeOfAppSessions([anAppSession().id], false)
      for (const kind of ['AuthorizationCode', 'AccessToken', 'RefreshToken'] as const)
        expect(await store.tokens.find(kind, 'one')).toBeUndefined()
      expect(await store.tokens.find('AccessToken', 'boards')).toBeDefined()
    })
  })

  describe(`very many app sessions that end at once (${name})`, () => {
    test('lose their codes and tokens, the last one too', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken())
      const many = Array.from({ length: 40_000 }, (_, at) => appSessionId(`other-${at}`))
      await store.tokens.revokeOfAppSessions([...many, anAppSession().id], false)
      expect(await store.tokens.find('AuthorizationCode', 'one')).toBeUndefined()
    })
  })

  describe(`ids that others issue (${name})`, () => {
    test('are taken once, by one of any number at once', async () => {
      await using store = await open()
      const claims = await Promise.all(
        Array.from({ length: 20 }, () => store.tokens.claimOnce('dpop', 'jti', noon, noon + 60_000)),
      )
      expect(claims.filter(Boolean)).toHaveLength(1)
    })

    test('are separate by their space', async () => {
      await using store = await open()
      expect(await store.tokens.claimOnce('dpop', 'jti', noon, noon + 60_000)).toBe(true)
      expect(await store.tokens.claimOnce('assertion', 'jti', noon, noon + 60_000)).toBe(true)
      expect(await store.otherTenant.claimOnce('dpop', 'jti', noon, noon + 60_000)).toBe(true)
    })

    test('are free again when their time is over, swept or not', async () => {
      await using store = await open()
      await store.tokens.claimOnce('dpop', 'jti', noon, noon + 60_000)
      expect(await store.tokens.claimOnce('dpop', 'jti', noon + 59_999, noon + 99_000)).toBe(false)
      expect(await store.tokens.claimOnce('dpop', 'jti', noon + 60_000, noon + 99_000)).toBe(true)
      expect(await store.tokens.claimOnce('dpop', 'jti', noon + 60_001, noon + 99_000)).toBe(false)
    })
  })

  describe(`sweeping what expired (${name})`, () => {
    test('deletes what has expired at that instant, and nothing else', async () => {
      await using store = await withWiki(open)
      await store.tokens.insert(aToken({ id: 'over', expiresAt: noon }))
      await store.tokens.insert(aToken({ id: 'live', expiresAt: noon + 1 }))
      await store.tokens.claimOnce('dpop', 'over', noon - 9, noon)
      expect(await store.tokens.deleteExpired(noon, 100)).toBe(1)
      expect(await store.tokens.find('AuthorizationCode', 'over')).toBeUndefined()
      expect(await store.tokens.find('AuthorizationCode', 'live')).toBeDefined()
      expect(await store.tokens.deleteExpired(noon, 100)).toBe(0)
    })

    test('takes no more than it was allowed, the oldest first', async () => {
      await using store = await withWiki(open)
      for (let index = 0; index < 5; index++)
        await store.tokens.insert(aToken({ id: `t${index}`, expiresAt: noon + index }))
      expect(await store.tokens.deleteExpired(noon + 99, 2)).toBe(2)
      const left = await Promise.all(
        [0, 1, 2, 3, 4].map((index) => store.tokens.find('AuthorizationCode', `t${index}`)),
      )
      expect(left.map((token) => token !== undefined)).toEqual([false, false, true, true, true])
    })

    test('says that there is more while either tokens or taken ids are left', async () => {
      await using store = await withWiki(open)
      for (let index = 0; index < 3; index++) await store.tokens.claimOnce('dpop', `${index}`, noon - 9, noon)
      expect(await store.tokens.deleteExpired(noon, 2)).toBe(2)
      expect(await store.tokens.deleteExpired(noon, 2)).toBe(1)
    })
  })
}
