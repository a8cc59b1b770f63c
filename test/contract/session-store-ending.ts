import { describe, expect, test } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { DirectSelector } from '#gateway/sessions/ending.ts'
import {
  ada,
  anAppSession,
  anEnding,
  anSsoSession,
  appSessionId,
  bob,
  laptopKey,
  noon,
  phoneKey,
  secretOf,
  ssoId,
  wiki,
} from '#test/sessions/builders.ts'
import { begin, end, type OpenSessionStore, type OpensSessionStore } from './session-store.ts'

/** Ada at her laptop and her phone, Bob at his desk; each opened the wiki and the board. */
async function three(store: OpenSessionStore): Promise<void> {
  await begin(store, 'laptop', { credentialIds: [laptopKey] })
  await begin(store, 'phone', { credentialIds: [phoneKey, laptopKey] })
  await begin(store, 'desk', { accountId: bob })
  for (const [of, accountId] of [
    ['laptop', ada],
    ['phone', ada],
    ['desk', bob],
  ] as const) {
    await store.sessions.join(anAppSession('wiki', of, { accountId }), undefined)
    await store.sessions.join(anAppSession('board', of, { accountId }), undefined)
  }
}

async function activeNames(store: OpenSessionStore): Promise<readonly string[]> {
  const sso = await store.sessions.list({ state: 'active', limit: 200 })
  const apps = await store.sessions.appSessionsOf(
    ['laptop', 'phone', 'desk'].map((name) => ssoId(name)),
    'active',
  )
  return [...sso, ...apps].map(({ id }) => id.slice(4)).toSorted()
}

/** What every store of sessions does when sessions end. */
export function describeSessionEnding(name: string, open: OpensSessionStore): void {
  describe(`ending sessions (${name})`, () => {
    const rows: readonly (readonly [string, DirectSelector, readonly string[]])[] = [
      [
        'named sessions, with everything under them',
        { kind: 'sso-sessions', ids: [ssoId('laptop'), ssoId('nobody')] },
        ['laptop', 'laptop-board', 'laptop-wiki'],
      ],
      [
        'all of an account',
        { kind: 'account', accountId: ada },
        ['laptop', 'laptop-board', 'laptop-wiki', 'phone', 'phone-board', 'phone-wiki'],
      ],
      [
        'all of an account but one',
        { kind: 'account', accountId: ada, except: ssoId('laptop') },
        ['phone', 'phone-board', 'phone-wiki'],
      ],
      [
        'all that a passkey opened or strengthened',
        { kind: 'credential', credentialId: laptopKey },
        ['laptop', 'laptop-board', 'laptop-wiki', 'phone', 'phone-board', 'phone-wiki'],
      ],
      [
        'all that a passkey opened but one',
        { kind: 'credential', credentialId: laptopKey, except: ssoId('laptop') },
        ['phone', 'phone-board', 'phone-wiki'],
      ],
      [
        'named app sessions, and leaves the sessions they hang on alive',
        { kind: 'app-sessions', ids: [appSessionId('laptop-wiki'), appSessionId('nobody')] },
        ['laptop-wiki'],
      ],
      [
        "an app's sessions of everybody",
        { kind: 'app', appId: wiki },
        ['desk-wiki', 'laptop-wiki', 'phone-wiki'],
      ],
      [
        "an app's sessions of one account",
        { kind: 'app', appId: wiki, accountId: ada },
        ['laptop-wiki', 'phone-wiki'],
      ],
      ['nothing for an empty list of sessions', { kind: 'sso-sessions', ids: [] }, []],
      ['nothing for an empty list of app sessions', { kind: 'app-sessions', ids: [] }, []],
    ]
    test.for(rows)('ends %s', async ([, selector, expected]) => {
      await using store = await open()
      await three(store)
      const before = await activeNames(store)
      const ended = await store.sessions.markEnded(selector, anEnding())
      const names = [...ended.ssoSessions, ...ended.appSessions].map(({ id }) => id.slice(4)).toSorted()
      expect(names).toEqual(expected)
      expect(await activeNames(store)).toEqual(before.filter((each) => !expected.includes(each)))
    })

    test('keeps when, why and by whom with each of them', async () => {
      await using store = await open()
      await three(store)
      const ending = anEnding({ cause: 'account', actor: { kind: 'account', accountId: ada } })
      const ended = await store.sessions.markEnded({ kind: 'sso-sessions', ids: [ssoId('laptop')] }, ending)
      expect(ended.ssoSessions).toEqual([
        anSsoSession('laptop', { credentialIds: [laptopKey], ended: ending }),
      ])
      expect(await store.sessions.find(ssoId('laptop'))).toEqual(ended.ssoSessions[0])
      expect((await store.sessions.findAppSession(appSessionId('laptop-wiki')))?.ended).toEqual(ending)
      expect((await store.sessions.findBySecret(secretOf('laptop')))?.session.ended).toEqual(ending)
    })

    test('answers with what this call ended, so a second one finds nothing and changes nothing', async () => {
      await using store = await open()
      await three(store)
      const all: DirectSelector = { kind: 'account', accountId: ada }
      await store.sessions.markEnded(all, anEnding())
      expect(await store.sessions.markEnded(all, anEnding({ cause: 'risk', at: noon + 9_000 }))).toEqual({
        ssoSessions: [],
        appSessions: [],
      })
      expect((await store.sessions.find(ssoId('laptop')))?.ended).toEqual(anEnding())
    })

    test('gives each session to exactly one of eight callers', async () => {
      await using store = await open()
      await three(store)
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, caller) =>
          store.sessions.markEnded(
            { kind: 'account', accountId: ada },
            anEnding({ logoutId: `lgo_${caller}` as LogoutId }),
          ),
        ),
      )
      expect(answers.flatMap(({ ssoSessions }) => ssoSessions)).toHaveLength(2)
      expect(answers.flatMap(({ appSessions }) => appSessions)).toHaveLength(4)
    })

    test('leaves an app session that ended before with its own ending', async () => {
      await using store = await open()
      await three(store)
      const first = anEnding({ cause: 'idle', actor: { kind: 'gateway' }, logoutId: 'lgo_first' as LogoutId })
      await store.sessions.markEnded({ kind: 'app-sessions', ids: [appSessionId('laptop-wiki')] }, first)
      const ended = await store.sessions.markEnded(
        { kind: 'sso-sessions', ids: [ssoId('laptop')] },
        anEnding({ at: noon + 9_000 }),
      )
      expect(ended.appSessions.map(({ id }) => id)).toEqual([appSessionId('laptop-board')])
      expect((await store.sessions.findAppSession(appSessionId('laptop-wiki')))?.ended).toEqual(first)
    })

    test('rolls back with the transaction that it belongs to', async () => {
      await using store = await open()
      await three(store)
      const failing = store.transaction.run(async () => {
        await store.sessions.markEnded({ kind: 'account', accountId: ada }, anEnding())
        throw new Error('the audit row could not be written')
      })
      await expect(failing).rejects.toThrow('the audit row could not be written')
      expect(await activeNames(store)).toHaveLength(9)
    })

    test.for([
      ['sessions of an account', { kind: 'account', accountId: ada }],
      ['sessions of a passkey', { kind: 'credential', credentialId: laptopKey }],
      ["an app's sessions", { kind: 'app', appId: wiki }],
    ] as const)('takes at most 200 %s at a time, and the rest next', async ([, selector]) => {
      await using store = await open()
      await store.transaction.run(async () => {
        for (let index = 0; index < 203; index++) {
          await begin(store, `n${index}`, { credentialIds: [laptopKey] })
          await store.sessions.join(anAppSession('wiki', `n${index}`), undefined)
        }
      })
      const count = async () => {
        const ended = await store.sessions.markEnded(selector, anEnding())
        return selector.kind === 'app' ? ended.appSessions.length : ended.ssoSessions.length
      }
      expect([await count(), await count(), await count()]).toEqual([200, 3, 0])
    })

    test('names what a Logout ended', async () => {
      await using store = await open()
      await three(store)
      await end(store, 'laptop')
      await store.sessions.markEnded(
        { kind: 'sso-sessions', ids: [ssoId('phone')] },
        anEnding({ logoutId: 'lgo_two' as LogoutId }),
      )
      const ended = await store.sessions.endedBy('lgo_one' as LogoutId)
      expect(ended.map(({ id }) => id)).toEqual([ssoId('laptop')])
    })

    test('deletes ended sessions with all that hangs on them, oldest first and in bounded steps', async () => {
      await using store = await open()
      await three(store)
      await end(store, 'laptop', noon + 1_000)
      await end(store, 'phone', noon + 2_000)
      expect(await store.sessions.deleteEnded(noon + 2_000, 10, noon + 9_000)).toBe(1)
      expect(await store.sessions.find(ssoId('laptop'))).toBeUndefined()
      expect(await store.sessions.findBySecret(secretOf('laptop'))).toBeUndefined()
      expect(await store.sessions.findAppSession(appSessionId('laptop-wiki'))).toBeUndefined()
      expect(await store.sessions.find(ssoId('phone'))).toBeDefined()

      await end(store, 'desk', noon + 3_000)
      expect(await store.sessions.deleteEnded(noon + 9_000, 1, noon + 9_000)).toBe(1)
      expect(await store.sessions.find(ssoId('desk'))).toBeDefined()
      expect(await store.sessions.deleteEnded(noon + 9_000, 9, noon + 9_000)).toBe(1)
      expect(await store.sessions.deleteEnded(noon + 9_000, 9, noon + 9_000)).toBe(0)
    })

    test('never deletes a session that has not ended, however old', async () => {
      await using store = await open()
      await begin(store, 'laptop', { startedAt: 1, lastSeenAt: 1 })
      expect(await store.sessions.deleteEnded(noon + 9_000, 10, noon + 9_000)).toBe(0)
      expect(await store.sessions.find(ssoId('laptop'))).toBeDefined()
    })
  })
}
