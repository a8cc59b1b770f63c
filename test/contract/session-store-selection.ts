import { describe, expect, test } from 'vitest'
import type { CredentialId } from '#gateway/kernel/ids.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import type { SessionSelector, SessionWhere } from '#gateway/sessions/ending.ts'
import type { MatchedSession, SessionCursor } from '#gateway/sessions/store.ts'
import {
  ada,
  anAppSession,
  anEnding,
  appSessionId,
  bob,
  laptopKey,
  noon,
  phoneKey,
  ssoId,
  wiki,
} from '#test/sessions/builders.ts'
import { begin, end, type OpenSessionStore, type OpensSessionStore } from './session-store.ts'

/** Ada at her laptop by passkey and on her phone by password, Bob at his desk later; only Ada's laptop and Bob opened the wiki. */
async function three(store: OpenSessionStore): Promise<void> {
  await begin(store, 'laptop', {
    credentialIds: [laptopKey],
    amr: ['pop', 'user', 'mfa'],
    address: '192.0.2.7',
  })
  await begin(store, 'phone', { startedAt: noon + 1, address: '2001:db8:7::1' })
  await begin(store, 'desk', {
    accountId: bob,
    startedAt: noon + 2,
    address: '192.0.3.7',
    credentialIds: [phoneKey],
    amr: ['pop', 'user', 'mfa', 'pwd'],
  })
  await store.sessions.join(anAppSession('wiki', 'laptop'), undefined)
  await store.sessions.join(anAppSession('board', 'laptop'), undefined)
  await store.sessions.join(anAppSession('board', 'phone', { startedAt: noon + 1 }), undefined)
  await store.sessions.join(anAppSession('wiki', 'desk', { accountId: bob, startedAt: noon + 2 }), undefined)
}

const later = noon + 10

async function walkAll(
  { sessions }: OpenSessionStore,
  where: SessionWhere,
  limit = 1,
  startedBy = later,
): Promise<readonly string[]> {
  const found: MatchedSession[] = []
  let after: SessionCursor | undefined
  do {
    const { matched, next } = await sessions.walk(where, {
      startedBy,
      limit,
      ...(after === undefined ? {} : { after }),
    })
    found.push(...matched)
    after = next
  } while (after !== undefined)
  return found.map(({ id }) => id.slice(4))
}

/** What every store of sessions does when they are named by what is known of them. */
export function describeSessionSelection(name: string, open: OpensSessionStore): void {
  describe(`sessions by what is known of them (${name})`, () => {
    const everyone = ['laptop', 'phone', 'desk']
    const rows: readonly (readonly [string, SessionWhere, readonly string[]])[] = [
      ['no condition: everyone', {}, everyone],
      ['an account', { account: ada }, ['laptop', 'phone']],
      ['an app that is open in it', { app: wiki }, ['laptop', 'desk']],
      ['a network', { network: '192.0.2.0/24' }, ['laptop']],
      ['a wider network', { network: '192.0.2.0/23' }, ['laptop', 'desk']],
      ['an IPv6 network', { network: '2001:db8::/32' }, ['phone']],
      ['all of IPv6, which IPv4 is no part of', { network: '::/0' }, ['phone']],
      ['an IPv4 network as IPv6 writes it', { network: '::ffff:192.0.2.0/120' }, ['laptop']],
      ['one address', { network: '192.0.3.7' }, ['desk']],
      ['a network that nobody came from', { network: '198.51.100.0/24' }, []],
      ['a passkey', { credential: laptopKey }, ['laptop']],
      ['a passkey that nobody used', { credential: 'crd_none' as CredentialId }, []],
      ['a model that no passkey is of', { aaguid: '00000000-0000-0000-0000-000000000000' }, []],
      ['when it began, that instant not included', { startedBefore: noon + 1 }, ['laptop']],
      ['a passkey as the way to sign in', { method: 'passkey' }, ['laptop', 'desk']],
      ['a password as the way to sign in', { method: 'password' }, ['phone', 'desk']],
      [
        'all conditions together',
        { account: ada, app: wiki, network: '192.0.2.0/24', method: 'passkey' },
        ['laptop'],
      ],
      ['conditions that no session meets together', { account: ada, network: '192.0.3.0/24' }, []],
    ]
    test('are found by a passkey as the way to sign in also when a password was the latest proof', async () => {
      await using store = await open()
      await three(store)
      const proof = { authenticatedAt: noon, acr: oneFactor, amr: ['pwd'], lastSeenAt: noon } as const
      await store.sessions.strengthen(ssoId('laptop'), { ...proof, credentialIds: [laptopKey] })
      expect(await walkAll(store, { method: 'passkey' })).toEqual(['laptop', 'desk'])
      expect(await walkAll(store, { method: 'password' })).toEqual(everyone)
    })

    test.for(rows)('are found by %s', async ([, where, expected]) => {
      await using store = await open()
      await three(store)
      expect(await walkAll(store, where)).toEqual(expected)
      expect(await walkAll(store, where, 200)).toEqual(expected)
      const covered = await store.sessions.covered(
        { selector: { kind: 'where', where }, epochAt: later },
        everyone.map(ssoId),
      )
      expect([...covered].map((id) => id.slice(4)).toSorted()).toEqual(expected.toSorted())
    })

    test('are gone through in the order in which they began, ended and later ones left out, whatever the size of a step', async () => {
      await using store = await open()
      for (const [at, each] of ['a', 'b', 'c', 'd', 'e', 'f'].entries())
        await begin(store, each, { startedAt: noon + Math.floor(at / 3) })
      await begin(store, 'late', { startedAt: later + 1 })
      await end(store, 'b')
      for (const limit of [1, 2, 3, 200])
        expect(await walkAll(store, {}, limit)).toEqual(['a', 'c', 'd', 'e', 'f'])
      expect(await walkAll(store, {}, 200, later + 1)).toContain('late')
      expect((await store.otherTenant.walk({}, { startedBy: later, limit: 10 })).matched).toEqual([])
    })

    test('are counted by the apps that are open in them', async () => {
      await using store = await open()
      await three(store)
      const counts = await store.sessions.countApps([ssoId('laptop'), ssoId('phone'), ssoId('nobody')])
      expect(counts.toSorted((one, other) => one.appId.localeCompare(other.appId))).toEqual([
        { appId: 'board', count: 2 },
        { appId: 'wiki', count: 1 },
      ])
      expect(await store.sessions.countApps([])).toEqual([])
      const all = await store.sessions.countApps('all')
      expect(all.toSorted((one, other) => one.appId.localeCompare(other.appId))).toEqual([
        { appId: 'board', count: 2 },
        { appId: 'wiki', count: 2 },
      ])
      await end(store, 'desk')
      expect(await store.sessions.countApps('all')).toContainEqual({ appId: 'wiki', count: 1 })
      expect(await store.otherTenant.countApps([ssoId('laptop')])).toEqual([])
    })
  })

  describe(`what an ending covers (${name})`, () => {
    test('is what began by its instant, and stays covered when it is marked', async () => {
      await using store = await open()
      await three(store)
      const ending = { selector: { kind: 'account', accountId: ada }, epochAt: noon } as const
      const all = ['laptop', 'phone', 'desk'].map(ssoId)
      expect(await store.sessions.countCovered(ending)).toBe(1)
      expect([...(await store.sessions.covered(ending, all))]).toEqual([ssoId('laptop')])
      await end(store, 'laptop')
      expect(await store.sessions.countCovered(ending)).toBe(0)
      expect([...(await store.sessions.covered(ending, all))]).toEqual([ssoId('laptop')])
      expect([...(await store.otherTenant.covered(ending, all))]).toEqual([])
    })

    const rows: readonly (readonly [string, SessionSelector, readonly string[], readonly string[]])[] = [
      [
        'an account',
        { kind: 'account', accountId: ada },
        ['laptop', 'phone'],
        ['laptop-board', 'laptop-wiki', 'phone-board'],
      ],
      [
        'an account but for one',
        { kind: 'account', accountId: ada, except: ssoId('phone') },
        ['laptop'],
        ['laptop-board', 'laptop-wiki'],
      ],
      [
        'a passkey',
        { kind: 'credential', credentialId: laptopKey },
        ['laptop'],
        ['laptop-board', 'laptop-wiki'],
      ],
      ['sessions by name', { kind: 'sso-sessions', ids: [ssoId('phone')] }, ['phone'], ['phone-board']],
      ['an app, whose AppSessions end alone', { kind: 'app', appId: wiki }, [], ['desk-wiki', 'laptop-wiki']],
      ['an app for one account', { kind: 'app', appId: wiki, accountId: bob }, [], ['desk-wiki']],
      [
        'AppSessions by name',
        { kind: 'app-sessions', ids: [appSessionId('laptop-board')] },
        [],
        ['laptop-board'],
      ],
      [
        'everyone',
        { kind: 'where', where: {} },
        ['desk', 'laptop', 'phone'],
        ['desk-wiki', 'laptop-board', 'laptop-wiki', 'phone-board'],
      ],
      [
        'whole sessions in which an app is open',
        { kind: 'where', where: { app: wiki } },
        ['desk', 'laptop'],
        ['desk-wiki', 'laptop-board', 'laptop-wiki'],
      ],
    ]
    test.for(rows)('is, for %s, sessions and AppSessions alike', async ([, selector, sso, apps]) => {
      await using store = await open()
      await three(store)
      const ending = { selector, epochAt: later }
      const covered = await store.sessions.covered(ending, ['laptop', 'phone', 'desk', 'nobody'].map(ssoId))
      expect([...covered].map((id) => id.slice(4)).toSorted()).toEqual(sso)
      const coveredApps = await store.sessions.coveredApps(
        ending,
        ['laptop-wiki', 'laptop-board', 'phone-board', 'desk-wiki', 'nobody'].map(appSessionId),
      )
      expect([...coveredApps].map((id) => id.slice(4)).toSorted()).toEqual(apps)
      expect(await store.sessions.covered(ending, [])).toEqual(new Set())
      expect(await store.sessions.coveredApps(ending, [])).toEqual(new Set())
    })

    test('does not change with the apps that are open: one that ended since, or joined since, changes nothing', async () => {
      await using store = await open()
      await three(store)
      const ending = { selector: { kind: 'where', where: { app: wiki } }, epochAt: noon + 5 } as const
      const at = noon + 6
      await store.sessions.markEnded(
        { kind: 'app-sessions', ids: [appSessionId('laptop-wiki')] },
        anEnding({ at }),
      )
      await store.sessions.join(anAppSession('wiki', 'phone', { startedAt: at }), undefined)
      const covered = await store.sessions.covered(ending, ['laptop', 'phone', 'desk'].map(ssoId))
      expect([...covered].toSorted()).toEqual([ssoId('desk'), ssoId('laptop')])
      expect(await walkAll(store, { app: wiki }, 1, noon + 5)).toEqual(['laptop', 'desk'])
    })

    test('leaves alone what began after its instant, when it is marked too', async () => {
      await using store = await open()
      await three(store)
      const ended = await store.sessions.markEnded({ kind: 'account', accountId: ada }, anEnding(), noon)
      expect(ended.ssoSessions.map(({ id }) => id)).toEqual([ssoId('laptop')])
      const apps = await store.sessions.markEnded({ kind: 'app', appId: wiki }, anEnding(), noon + 1)
      expect(apps.appSessions).toEqual([])
      const all = await store.sessions.markEnded({ kind: 'app', appId: wiki }, anEnding(), noon + 2)
      expect(all.appSessions.map(({ id }) => id)).toEqual([appSessionId('desk-wiki')])
    })
  })
}
