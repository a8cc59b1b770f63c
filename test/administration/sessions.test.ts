import { describe, expect, test } from 'vitest'
import { readSessionWhere } from '#gateway/administration/session-where.ts'
import { type AppId, type CredentialId, newId } from '#gateway/kernel/ids.ts'
import type { SessionWhere } from '#gateway/sessions/ending.ts'
import { byShell, openCore, type TestCore } from './harness.ts'

/** Ada twice and Bob once, all with the wiki open, Bob with the board too. */
async function three(core: TestCore) {
  for (const id of ['wiki', 'board']) await core.addApp(id)
  const ada = await core.addAccount('ada@example.com')
  const bob = await core.addAccount('bob@example.com', { operator: true })
  const sessions = [
    await core.beginSession(ada.id, 'wiki'),
    await core.beginSession(ada.id, 'wiki'),
    await core.beginSession(bob.id, 'wiki', 'board'),
  ] as const
  await core.audited()
  return { ada, bob, sessions }
}

describe('ending all sessions that meet conditions', () => {
  test('counts first what it would end, and ends nothing by counting', async () => {
    await using core = await openCore()
    const { ada, sessions } = await three(core)
    const count = (where: SessionWhere) => core.commands.sessions.countWhere(where, byShell)
    expect(await count({})).toEqual({ ssoSessions: 3, appSessions: 4, accounts: 2, apps: 2 })
    expect(await count({ account: ada.id })).toEqual({ ssoSessions: 2, appSessions: 2, accounts: 1, apps: 1 })
    expect(await count({ app: 'board' as AppId })).toEqual({
      ssoSessions: 1,
      appSessions: 2,
      accounts: 1,
      apps: 2,
    })
    expect(await count({ method: 'passkey' })).toEqual({
      ssoSessions: 0,
      appSessions: 0,
      accounts: 0,
      apps: 0,
    })
    for (const session of sessions) expect(await core.causeOf(session)).toBeUndefined()
    expect(await core.audited()).toEqual([])
  })

  test('ends them whole under one Logout, and says which they were', async () => {
    await using core = await openCore()
    const { sessions } = await three(core)
    const ended = await core.commands.sessions.endWhere({ app: 'board' as AppId }, byShell)
    expect(ended.ssoSessionIds).toEqual([sessions[2].id])
    expect(ended.appSessionIds).toHaveLength(2)
    expect(ended).not.toHaveProperty('continues')
    expect(await core.appCausesOf(sessions[2])).toEqual({ wiki: 'bulk', board: 'bulk' })
    expect(await core.causeOf(sessions[0])).toBeUndefined()
    expect(await core.reports.list({ limit: 9 })).toMatchObject([
      { id: ended.logoutId, cause: 'bulk', actor: byShell, progress: { sessions: 1, ended: 1 } },
    ])
    expect(await core.audited()).toEqual([
      'sessions.ending',
      'session.ended',
      'app-session.ended',
      'app-session.ended',
    ])
  })

  test('finds nobody and then writes nothing', async () => {
    await using core = await openCore()
    await three(core)
    const where = { network: '198.51.100.0/24' }
    expect(await core.commands.sessions.endWhere(where, byShell)).toEqual({
      ssoSessionIds: [],
      appSessionIds: [],
    })
    expect(await core.reports.list({ limit: 9 })).toEqual([])
    expect(await core.audited()).toEqual([])
  })

  test('finds sessions by the model of the passkey that opened them', async () => {
    await using core = await openCore()
    const { ada, sessions } = await three(core)
    const passkey = {
      id: newId('credential', core.random),
      accountId: ada.id,
      webauthnId: 'laptop',
      publicKey: 'key',
      counter: 0,
      transports: [],
      aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4',
      backupEligible: true,
      backedUp: true,
      name: 'Laptop',
      createdAt: core.clock.now(),
    }
    await core.stores.credentials.insert(passkey, 10)
    await core.sessions.strengthen(sessions[1], {
      methods: ['passkey'],
      amr: ['pop', 'user', 'mfa', 'swk'],
      acr: 'urn:gatehouse:acr:2',
      credentialIds: [passkey.id],
      at: core.clock.now(),
    })
    const aaguid = readSessionWhere({ aaguid: passkey.aaguid.toUpperCase() })
    const ended = await core.commands.sessions.endWhere(aaguid, byShell)
    expect(ended.ssoSessionIds).toEqual([sessions[1].id])
  })

  test('ends that of the operator who ends everyone’s, too', async () => {
    await using core = await openCore()
    const { bob, sessions } = await three(core)
    await core.commands.sessions.endWhere({}, { kind: 'operator', accountId: bob.id })
    for (const session of sessions) expect(await core.causeOf(session)).toBe('bulk')
  })

  test('is no command of anybody else', async () => {
    await using core = await openCore()
    const { ada, sessions } = await three(core)
    const by = { kind: 'operator', accountId: ada.id } as const
    await expect(core.commands.sessions.endWhere({}, by)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(core.commands.sessions.countWhere({}, by)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await core.causeOf(sessions[0])).toBeUndefined()
  })

  test('answers before they are marked when they are many, and they have ended all the same', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    const sessions = []
    for (let at = 0; at < 201; at++) sessions.push(await core.beginSession(ada.id))
    const ended = await core.commands.sessions.endWhere({}, byShell)
    expect(ended).toMatchObject({ ssoSessionIds: [], appSessionIds: [], continues: true })
    for (const session of sessions) expect(await core.causeOf(session)).toBe('bulk')
    expect(await core.reports.find(ended.logoutId ?? ('' as never))).toMatchObject({
      progress: { sessions: 201, ended: 0 },
    })
    await core.endingJobs.runAll()
    expect(await core.reports.find(ended.logoutId ?? ('' as never))).toMatchObject({
      ssoSessions: 201,
      progress: { sessions: 201, ended: 201 },
    })
  })
})

describe('conditions as they are typed', () => {
  test('are read, those that are empty left out', () => {
    expect(
      readSessionWhere({
        account: 'ada',
        app: 'wiki',
        network: ' 2001:db8::/32 ',
        credential: 'crd_laptop',
        aaguid: 'EA9B8D66-4D01-1D21-3CE4-B6B48CB575D4',
        startedBefore: '2026-03-02T12:00:00+01:00',
        method: 'passkey',
      }),
    ).toEqual({
      account: 'ada',
      app: 'wiki',
      network: '2001:db8::/32',
      credential: 'crd_laptop',
      aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4',
      startedBefore: Date.UTC(2026, 2, 2, 11),
      method: 'passkey',
    })
    expect(readSessionWhere({ startedBefore: '2026-03-02', network: '192.0.2.7', app: ' ' })).toEqual({
      startedBefore: Date.UTC(2026, 2, 2),
      network: '192.0.2.7',
    })
    expect(readSessionWhere({})).toEqual({})
  })

  test.for([
    ['network', '192.0.2.0/33'],
    ['network', '192.0.2'],
    ['network', 'localhost'],
    ['network', '192.0.2.0/24, 10.0.0.0/8'],
    ['credential', 'laptop'],
    ['aaguid', 'ea9b8d66'],
    ['startedBefore', 'yesterday'],
    ['startedBefore', '2026-03-02T12:00:00'],
    ['startedBefore', '2026-13-01'],
    ['method', 'both'],
    ['account', '../ada'],
    ['app', "wiki' or 1=1"],
  ] as const)('that cannot be read are refused and named: %s %s', ([name, text]) => {
    expect(() => readSessionWhere({ [name]: text })).toThrow(text)
  })

  test('of a program are checked as well: what cannot be read does not become "everyone"', async () => {
    await using core = await openCore()
    const { sessions } = await three(core)
    for (const where of [
      { network: 'nonsense' },
      { method: 'none' as 'passkey' },
      { credential: 'laptop' as CredentialId },
      { startedBefore: Number.NaN },
    ]) {
      await expect(core.commands.sessions.endWhere(where, byShell)).rejects.toThrow()
    }
    expect(await core.causeOf(sessions[0])).toBeUndefined()
  })
})
