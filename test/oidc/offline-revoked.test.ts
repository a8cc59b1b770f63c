import { describe, expect, test } from 'vitest'
import type { Commands } from '#gateway/compose-commands.ts'
import type { AccountId, AppId, CredentialId } from '#gateway/kernel/ids.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { refresh } from '#test/support/oauth.ts'
import { believed, grace, graceIsAway, keptOf, leave, startAway, survives } from './away.ts'
import { opened } from './opening.ts'
import type { World } from './world.ts'

const operator = { kind: 'command-line' } as const
const wiki = 'wiki' as AppId
const dead = { access: false, renewal: false }
const alive = { access: true, renewal: true }

interface Away {
  readonly id: AccountId
  /** Ended. */
  readonly session: SsoSession
}

type Act = (commands: Commands, away: Away, world: World) => Promise<unknown>

/** A later session of hers, by which she acts. */
async function laterSession(world: World, { id }: Away): Promise<SsoSession> {
  await world.signedIn(grace)
  const [session] = await world.gateway.stores.sessions.listByAccount(id, { state: 'active', limit: 1 })
  if (session === undefined) throw new Error('not signed in')
  return session
}

/** What takes access back although no session of hers is active any more. */
const acts: readonly (readonly [what: string, cause: string, act: Act])[] = [
  [
    'the person signs out everywhere else',
    'account-everywhere',
    async ({ ownAccount }, away, world) => ownAccount.endOtherSessions(await laterSession(world, away)),
  ],
  [
    'the person changes the password',
    'password-changed',
    async ({ ownAccount }, away, world) =>
      ownAccount.changePassword({
        session: await laterSession(world, away),
        currentPassword: grace.password,
        newPassword: 'a password that is another',
        address: '127.0.0.1',
        browser: 'browser',
      }),
  ],
  [
    'the person removes it',
    'taken-back',
    async ({ ownAccount }, away, world) => ownAccount.removeOffline(await laterSession(world, away), wiki),
  ],
  [
    'an operator sets the password',
    'password-changed',
    ({ accounts }, { id }) => accounts.setPassword(id, 'a password that is another', operator),
  ],
  [
    'an operator resets the account',
    'password-changed',
    ({ accounts }, { id }) => accounts.reset(id, 'a password that is new', operator),
  ],
  ['the account is disabled', 'account-disabled', ({ accounts }, { id }) => accounts.disable(id, operator)],
  ['the account is deleted', 'account-deleted', ({ accounts }, { id }) => accounts.delete(id, operator)],
  [
    'her group is taken away',
    'access-removed',
    ({ accounts }, { id }) => accounts.change(id, { groups: [] }, operator),
  ],
  ['an operator ends all of hers', 'admin', ({ sessions }, { id }) => sessions.endOfAccount(id, operator)],
  [
    'an operator ends hers at the app',
    'admin',
    ({ sessions }, { id }) => sessions.endOfApp(wiki, id, operator),
  ],
  [
    "an operator ends everybody's at the app",
    'admin',
    ({ sessions }) => sessions.endOfApp(wiki, undefined, operator),
  ],
  [
    'an operator ends the session that has ended',
    'admin',
    ({ sessions }, { session }) => sessions.end(session.id, operator),
  ],
  ['the app is disabled', 'app-removed', ({ apps }) => apps.disable(wiki, operator)],
]

const restricted = { wiki: { app: { ...survives.app, access: ['staff'] } } }

describe('N-014 N-016 N-054 what outlived a sign-out is revoked at once when', () => {
  test.for(acts)('%s', async ([, cause, act]) => {
    await using world = await startAway({ apps: restricted })
    const held = await graceIsAway(world)
    expect(await believed(held, held.tokens)).toEqual(alive)
    await act(world.gateway.commands, { id: held.account.id, session: held.session }, world)
    // An app that is disabled may not even ask; then the store tells.
    if (cause !== 'app-removed') {
      expect(await believed(held, held.tokens)).toEqual(dead)
      expect((await refresh(held.client, held.tokens.refresh_token ?? '')).status).toBe(400)
    }
    expect(await keptOf(world, held.account.id)).toEqual([])
    const [line] = await world.gateway.stores.audit.list({ types: ['offline-access.revoked'], limit: 9 })
    expect(JSON.parse(line?.detail ?? '{}')).toMatchObject({ cause, appId: 'wiki' })
  })

  test('the passkey that opened the session is removed, and not when it is another', async () => {
    await using world = await startAway()
    const [used, other] = ['crd_used' as CredentialId, 'crd_other' as CredentialId]
    const held = await graceIsAway(world, [used])
    const remove = (credentialId: CredentialId) =>
      world.gateway.endSession({ kind: 'credential', credentialId }, 'credential-changed', operator)
    await remove(other)
    expect(await believed(held, held.tokens)).toEqual(alive)
    await remove(used)
    expect(await believed(held, held.tokens)).toEqual(dead)
  })
})

describe('what outlived a sign-out stays when', () => {
  test('the same happens to somebody else, or at another app', async () => {
    await using world = await startAway({ apps: { ...restricted, board: {} } })
    const held = await graceIsAway(world)
    const { accounts, apps, sessions } = world.gateway.commands
    await sessions.endOfAccount('ada' as AccountId, operator)
    await sessions.endOfApp('board' as AppId, undefined, operator)
    await sessions.endOfApp(wiki, 'ada' as AccountId, operator)
    await apps.disable('board' as AppId, operator)
    await accounts.disable('bob' as AccountId, operator)
    await accounts.change(held.account.id, { groups: ['staff', 'more'] }, operator)
    await accounts.change(held.account.id, { groups: ['staff'] }, operator)
    expect(await believed(held, held.tokens)).toEqual(alive)
  })

  test('the person comes, is active and leaves again', async () => {
    await using world = await startAway({ apps: restricted })
    const held = await graceIsAway(world)
    const browser = await world.signedIn(grace)
    await opened(browser, held.client)
    await leave(world)
    expect(await believed(held, held.tokens)).toEqual(alive)
  })
})

describe('a command that takes it back', () => {
  test('says how much, and no Logout is made of it: there is no session whose end anybody could be told', async () => {
    await using world = await startAway()
    const held = await graceIsAway(world)
    const before = await world.gateway.stores.logouts.list({ limit: 9 })
    const ended = await world.gateway.commands.sessions.endOfAccount(held.account.id, operator)
    expect(ended).toEqual({ ssoSessionIds: [], appSessionIds: [], offlineAccesses: 1 })
    expect(await world.gateway.stores.logouts.list({ limit: 9 })).toEqual(before)
  })
})
