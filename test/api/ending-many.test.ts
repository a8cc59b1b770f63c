import { describe, expect, test } from 'vitest'
import { startWorld, type World } from './world.ts'

async function endMany(world: World, json: unknown) {
  return world.ask('POST', '/v1/sessions/end', { json, key: await world.key('sessions:end') })
}

describe('POST /api/v1/sessions/end', () => {
  test('counts first and ends nothing, then ends what it counted and says what', async () => {
    await using world = await startWorld()
    const first = await world.begin('wiki', 'mute')
    world.clock.advance({ ms: 1 })
    const second = await world.begin('wiki')
    await world.cookieOf(world.operator)
    const where = { account: 'ada@example.com' }
    const counted = await endMany(world, { where, dry_run: true })
    expect([counted.status, counted.body]).toEqual([
      200,
      {
        dry_run: true,
        found: { sessions: 2, app_sessions: 3, accounts: 1, apps: 2 },
        logout_id: null,
        session_ids: [],
        app_session_ids: [],
        offline_accesses: 0,
        continues: false,
      },
    ])
    expect(await world.sessionsOf(world.person)).toHaveLength(2)

    const { status, body } = await endMany(world, { where })
    expect([status, body]).toMatchObject([200, { dry_run: false, found: null, continues: false }])
    expect([...(body['session_ids'] as string[])].sort()).toEqual([first.id, second.id].sort())
    expect(body['app_session_ids']).toHaveLength(3)
    expect(await world.sessionsOf(world.person)).toEqual([])
    expect(await world.sessionsOf(world.operator)).toHaveLength(1)
    const report = await world.ask('GET', `/v1/logouts/${body['logout_id']}`, { key: await world.key() })
    expect(report.body).toMatchObject({
      cause: 'bulk',
      actor: { kind: 'api-key' },
      sessions: 2,
      progress: { sessions: 2, ended: 2 },
      by_app: null,
    })
    await world.gateway.dispatcher.runDue()
    expect(world.wiki.received).toHaveLength(2)
  })

  test.for<[string, Record<string, unknown>, number]>([
    ['an app', { app: 'wiki' }, 1],
    ['an address', { ip: '127.0.0.1' }, 3],
    ['a network', { ip: '127.0.0.0/8' }, 3],
    ['another network', { ip: '10.0.0.0/8' }, 0],
    ['a passkey that nobody has', { credential: 'crd_nobody' }, 0],
    ['a model of passkeys', { aaguid: 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4' }, 0],
    ['when it began', { started_before: '2000-01-01' }, 0],
    ['the password', { signed_in_by: 'password' }, 3],
    ['a passkey', { signed_in_by: 'passkey' }, 0],
    ['two conditions', { app: 'wiki', account: 'olga@example.com' }, 0],
    ['nothing, which is everybody', {}, 3],
  ])('counts by %s', async ([, where, sessions]) => {
    await using world = await startWorld()
    await world.begin('wiki')
    world.clock.advance({ ms: 1 })
    await world.begin('mute')
    await world.cookieOf(world.operator)
    const { status, body } = await endMany(world, { where, dry_run: true })
    expect([status, body['found']]).toMatchObject([200, { sessions }])
  })

  test('ends everybody only for who says so: a condition that got lost is not everybody', async () => {
    await using world = await startWorld()
    await world.begin('wiki')
    for (const json of [{ where: {} }, { where: { account: undefined } }]) {
      const { status, body } = await endMany(world, json)
      expect([status, body['code'], body['field']]).toEqual([400, 'input_invalid', 'everyone'])
    }
    const both = await endMany(world, { where: { app: 'wiki' }, everyone: true })
    expect([both.status, both.body['field']]).toEqual([400, 'everyone'])
    expect(await world.sessionsOf(world.person)).toHaveLength(1)
    const all = await endMany(world, { where: {}, everyone: true })
    expect([all.status, all.body['session_ids']]).toMatchObject([200, [expect.any(String)]])
    expect(await world.sessionsOf(world.person)).toEqual([])
  })

  test.for<[string, unknown, string]>([
    ['no conditions at all', {}, 'where'],
    ['a condition that there is not', { where: { user: 'ada' } }, 'where.user'],
    ['one that is empty', { where: { ip: '' } }, 'where.ip'],
    ['one that is blank', { where: { account: 'ada@example.com', ip: ' ' } }, 'where.ip'],
    ['a passkey that is blank', { where: { app: 'wiki', credential: '\t' } }, 'where.credential'],
    ['a day that there is not', { where: { started_before: '2026-02-31' } }, 'where.started_before'],
    ['a time of such a day', { where: { started_before: '2026-02-30T10:00Z' } }, 'where.started_before'],
    ['a network that is none', { where: { ip: '127.0.0.0/99' } }, 'where.ip'],
    ['another kind of id', { where: { credential: 'acc_x' } }, 'where.credential'],
    ['a time without its offset', { where: { started_before: '2026-01-01T12:00' } }, 'where.started_before'],
    ['a way that there is not', { where: { signed_in_by: 'magic' } }, 'where.signed_in_by'],
    ['null', { where: { account: null } }, 'where.account'],
    ['a list', { where: { account: ['a'] } }, 'where.account'],
    ['a member more', { where: { app: 'wiki' }, limit: 1 }, 'limit'],
    ['everyone said wrong', { where: {}, everyone: false }, 'everyone'],
    ['a dry run said wrong', { where: { app: 'wiki' }, dry_run: 'yes' }, 'dry_run'],
  ])('refuses %s, names it, and ends nothing', async ([, json, field]) => {
    await using world = await startWorld()
    await world.begin('wiki')
    const { status, body } = await endMany(world, json)
    expect([status, body['code'], body['field']]).toEqual([400, 'input_invalid', field])
    expect(await world.sessionsOf(world.person)).toHaveLength(1)
  })

  test('of an address that no account has is 404, and ends nothing', async () => {
    await using world = await startWorld()
    await world.begin('wiki')
    const { status, body } = await endMany(world, { where: { account: 'nobody@example.com' } })
    expect([status, body['code']]).toEqual([404, 'account_not_found'])
    expect(await world.sessionsOf(world.person)).toHaveLength(1)
  })
})
