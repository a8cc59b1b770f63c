import { describe, expect, test } from 'vitest'
import type { AccountId, AppId, CredentialId } from '#gateway/kernel/ids.ts'
import type { SessionWhere } from '#gateway/sessions/ending.ts'
import { refresh } from '#test/support/oauth.ts'
import { agreed, believed, graceIsAway, keptOf, leave, renewed, startAway } from './away.ts'

const operator = { kind: 'command-line' } as const
const dead = { access: false, renewal: false }
const alive = { access: true, renewal: true }
const [used, other] = ['crd_used' as CredentialId, 'crd_other' as CredentialId]

/** Conditions, each as it holds for what Grace left behind, and as it does not. */
const conditions: readonly (readonly [
  what: string,
  holds: (of: Awaited<ReturnType<typeof graceIsAway>>) => SessionWhere,
  not: SessionWhere,
])[] = [
  ['the account', ({ account }) => ({ account: account.id }), { account: 'ada' as AccountId }],
  ['the app', () => ({ app: 'wiki' as AppId }), { app: 'board' as AppId }],
  ['the network', () => ({ network: '127.0.0.0/8' }), { network: '192.0.2.0/24' }],
  ['the time', ({ session }) => ({ startedBefore: session.startedAt + 1 }), { startedBefore: 1 }],
  ['the way of signing in', () => ({ method: 'password' }), { method: 'passkey' }],
  ['the passkey', () => ({ credential: used }), { credential: other }],
]

describe('ending many at once', () => {
  test.for(conditions)('takes what outlived a sign-out with it, by %s', async ([, holds, not]) => {
    await using world = await startAway()
    const { stores, commands } = world.gateway
    // A passkey that opened a session is a way of signing in too: only where it is asked for.
    const held = await graceIsAway(world, not.credential === undefined ? [] : [used])
    expect(await commands.sessions.endWhere(not, operator)).toEqual({ ssoSessionIds: [], appSessionIds: [] })
    expect(await believed(held, held.tokens)).toEqual(alive)
    expect(await commands.sessions.endWhere(holds(held), operator)).toMatchObject({ offlineAccesses: 1 })
    expect(await believed(held, held.tokens)).toEqual(dead)
    const lines = await stores.audit.list({ types: ['offline-access.revoked'], limit: 9 })
    expect(JSON.parse(lines[0]?.detail ?? '{}')).toMatchObject({ cause: 'bulk' })
  })

  test('takes everybody’s, of sessions that live and that ended before, and no app has any of it from that instant', async () => {
    await using world = await startAway()
    const away = await graceIsAway(world)
    const here = await agreed(world)
    const { endMany, commands } = world.gateway
    const counts = await commands.sessions.countWhere({}, operator)
    const logoutId = await endMany.begin({}, counts, 'bulk', operator)
    // Nothing is marked yet.
    expect(await keptOf(world, away.account.id)).toHaveLength(1)
    expect(await believed(away, away.tokens)).toEqual(dead)
    expect(await believed(here, here.answer.body)).toEqual(dead)
    for (const [held, token] of [
      [away, away.tokens.refresh_token],
      [here, here.renewal],
    ] as const)
      expect((await refresh(held.client, token ?? '')).body.error).toBe('invalid_grant')
    await endMany.settle(logoutId)
    expect(await keptOf(world, away.account.id)).toEqual([])
    expect(await keptOf(world)).toEqual([])
    expect(await believed(away, away.tokens)).toEqual(dead)
  })

  test('by app takes what it keeps of people who left it alone and are signed in still', async () => {
    await using world = await startAway()
    const { endMany, commands, endSession, stores } = world.gateway
    const held = await agreed(world)
    const [session] = await stores.sessions.listByAccount('ada' as AccountId, { state: 'active', limit: 9 })
    if (session === undefined) throw new Error('Ada is not signed in')
    const parts = await stores.sessions.appSessionsOf([session.id], 'active')
    const [wiki, board]: SessionWhere[] = [{ app: 'wiki' as AppId }, { app: 'board' as AppId }]
    await endSession({ kind: 'app-sessions', ids: parts.map(({ id }) => id) }, 'app', { kind: 'gateway' })
    // What ended at the very instant of the ending was open then.
    world.clock.advance({ seconds: 1 })
    const tokens = await renewed(held, held.renewal)
    const lives = async () => (await stores.sessions.find(session.id))?.ended === undefined
    const others: SessionWhere[] = [board ?? {}, { ...wiki, method: 'passkey' }]
    for (const not of others)
      expect(await commands.sessions.endWhere(not, operator)).toEqual({
        ssoSessionIds: [],
        appSessionIds: [],
      })
    expect(await believed(held, tokens)).toEqual(alive)

    // Beside others who have it open: dead for every reader from that instant.
    const counts = { ssoSessions: 1, appSessions: 1, accounts: 1, apps: 1 }
    const logoutId = await endMany.begin(wiki ?? {}, counts, 'bulk', operator)
    expect(await believed(held, tokens)).toEqual(dead)
    expect((await refresh(held.client, tokens.refresh_token ?? '')).body.error).toBe('invalid_grant')
    await endMany.settle(logoutId)
    expect(await keptOf(world)).toEqual([])
    expect(await believed(held, tokens)).toEqual(dead)
    expect(await lives()).toBe(true)
  })

  test('leaves what began since', async () => {
    await using world = await startAway()
    const { endMany, commands } = world.gateway
    await agreed(world)
    const counts = await commands.sessions.countWhere({}, operator)
    const logoutId = await endMany.begin({}, counts, 'bulk', operator)
    world.clock.advance({ seconds: 1 })
    const held = await agreed(world)
    await endMany.settle(logoutId)
    await leave(world)
    expect(await believed(held, await renewed(held, held.renewal))).toEqual(alive)
  })
})
