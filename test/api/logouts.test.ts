import { compactVerify, createRemoteJWKSet } from 'jose'
import { describe, expect, test } from 'vitest'
import { startWorld, type World } from './world.ts'

type Shown = Readonly<Record<string, unknown>>

async function show(world: World, id: string): Promise<Shown> {
  return (await world.ask('GET', `/v1/logouts/${id}`, { key: await world.key('logouts:read') })).body
}

describe('GET /api/v1/logouts', () => {
  test('shows who ended what and how far telling has come', async () => {
    await using world = await startWorld()
    const { logoutId } = await world.ended('wiki', 'mute')
    const { body } = await world.ask('GET', '/v1/logouts', { key: await world.key() })
    const at = new Date(world.clock.now()).toISOString()
    expect(body).toEqual({
      data: [
        {
          id: logoutId,
          cause: 'admin',
          actor: { kind: 'command-line' },
          account: { id: world.person.id, email: 'ada@example.com', name: 'Ada' },
          state: 'unsettled',
          started_at: at,
          settled_at: null,
          sessions: 1,
          app_sessions: 2,
          not_wanted: 0,
          progress: null,
          delivery_counts: { waiting: 1, 'cannot-be-told': 1 },
        },
      ],
      next_cursor: null,
    })
    await world.gateway.dispatcher.runDue()
    const { body: later } = await world.ask('GET', '/v1/logouts', { key: await world.key() })
    expect(later['data']).toMatchObject([
      { state: 'settled', settled_at: at, delivery_counts: { confirmed: 1, 'cannot-be-told': 1 } },
    ])
  })

  test('finds by account, by app and by state, and goes through them in pages', async () => {
    await using world = await startWorld()
    const { logoutId: muteOnly } = await world.ended('mute')
    world.clock.advance({ ms: 1 })
    const { logoutId: both } = await world.ended('wiki', 'mute')
    const key = await world.key('logouts:read')
    const ids = async (query: string) => {
      const { body } = await world.ask('GET', `/v1/logouts?${query}`, { key })
      return (body['data'] as Shown[]).map(({ id }) => id)
    }
    expect(await ids('')).toEqual([both, muteOnly])
    expect(await ids('account=ada@example.com')).toEqual([both, muteOnly])
    expect(await ids(`account=${world.operator.id}`)).toEqual([])
    expect(await ids('app=wiki')).toEqual([both])
    expect(await ids('state=unsettled')).toEqual([both])
    expect(await ids('state=settled')).toEqual([muteOnly])
    const { body } = await world.ask('GET', '/v1/logouts?limit=1', { key })
    expect(await ids(`limit=1&cursor=${body['next_cursor']}`)).toEqual([muteOnly])
  })
})

describe('GET /api/v1/logouts/{id}', () => {
  test('shows for each app how it stands, every attempt, and when the next one is', async () => {
    await using world = await startWorld()
    world.wiki.behave({ answer: 503 })
    const { logoutId } = await world.ended('wiki', 'mute')
    await world.gateway.dispatcher.runDue()
    const deliveries = (await show(world, logoutId))['deliveries'] as Shown[]
    const of = (app: string) => deliveries.find((each) => (each['app'] as Shown)['id'] === app)
    expect(of('wiki')).toMatchObject({
      app: { id: 'wiki', name: 'Wiki' },
      channel: 'back-channel',
      state: 'retrying',
      attempts: [
        {
          number: 1,
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          duration_ms: expect.any(Number),
          outcome: 'unreachable',
          status: 503,
        },
      ],
      next_attempt_at: expect.stringMatching(/^\d{4}-.*Z$/),
      settled_at: null,
    })
    expect(of('mute')).toMatchObject({
      channel: 'none',
      state: 'cannot-be-told',
      attempts: [],
      next_attempt_at: null,
      reason: 'it offers no way to tell it',
    })
  })

  test('counts as it lists, also what waits for an app that is down', async () => {
    await using world = await startWorld()
    world.wiki.behave('hang-up')
    await world.ended('wiki')
    const isDown = async () => (await world.gateway.appHealth.list())[0]?.state === 'down'
    for (let tried = 0; tried < 50 && !(await isDown()); tried += 1) {
      await world.gateway.dispatcher.runDue()
      world.clock.advance({ minutes: 16 })
    }
    expect(await isDown()).toBe(true)
    const { logoutId } = await world.ended('wiki', 'mute')
    const shown = await show(world, logoutId)
    expect(shown['delivery_counts']).toEqual({ retrying: 1, 'cannot-be-told': 1 })
    expect((shown['deliveries'] as Shown[]).map(({ state }) => state).sort()).toEqual([
      'cannot-be-told',
      'retrying',
    ])
  })

  test.for(['lgo_unknown', 'ses_x', '%2e%2e', "'"])('is 404 for %s, its receipt too', async (id) => {
    await using world = await startWorld()
    for (const path of [`/v1/logouts/${id}`, `/v1/logouts/${id}/receipt`]) {
      const { status, body } = await world.ask('GET', path, { key: await world.key() })
      expect([status, body['code']]).toEqual([404, id === '%2e%2e' ? expect.any(String) : 'logout_not_found'])
    }
  })
})

describe('GET /api/v1/logouts/{id}/receipt', () => {
  test('is a JWS that the published keys verify, once the Logout has settled', async () => {
    await using world = await startWorld()
    const { logoutId } = await world.ended('wiki')
    const key = await world.key('logouts:read')
    const path = `/v1/logouts/${logoutId}/receipt`
    const early = await world.ask('GET', path, { key })
    expect([early.status, early.body['code']]).toEqual([409, 'logout_unsettled'])
    await world.gateway.dispatcher.runDue()
    const { status, text } = await world.ask('GET', path, { key })
    expect(status).toBe(200)
    const { payload } = await compactVerify(text, createRemoteJWKSet(new URL(`${world.issuer}/oauth/jwks`)))
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({ logout: { id: logoutId } })
  })
})

describe('telling apps now', () => {
  async function failedOnce(world: World) {
    world.wiki.behave({ answer: 503 })
    const { logoutId } = await world.ended('wiki')
    await world.gateway.dispatcher.runDue()
    world.wiki.behave({ answer: 200 })
    world.clock.advance({ ms: 1 })
    const [delivery] = await world.gateway.stores.logouts.deliveriesOf([logoutId])
    return { logoutId, deliveryId: delivery?.id }
  }

  test.for<[string, (deliveryId: unknown) => [path: string, json?: unknown]]>([
    ['one delivery', (deliveryId) => [`/v1/deliveries/${deliveryId}/retry`]],
    ['all of an app', () => ['/v1/deliveries/retry', { app: 'wiki' }]],
    ['everything', () => ['/v1/deliveries/retry', { all: true }]],
  ])('sends %s at once, and says how many', async ([, request]) => {
    await using world = await startWorld()
    const { logoutId, deliveryId } = await failedOnce(world)
    const [path, json] = request(deliveryId)
    const key = await world.key('logouts:retry')
    const { status, body } = await world.ask('POST', path, { key, ...(json !== undefined && { json }) })
    expect([status, body]).toEqual([200, { retried: 1 }])
    await world.gateway.dispatcher.runDue()
    expect(await show(world, logoutId)).toMatchObject({ state: 'settled', delivery_counts: { confirmed: 1 } })
    const again = await world.ask('POST', path, { key, ...(json !== undefined && { json }) })
    expect(again.body).toEqual({ retried: 0 })
    const audited = await world.gateway.stores.audit.list({ types: ['delivery.retried'], limit: 5 })
    expect(audited).toHaveLength(1)
  })

  test('of what there is not is 404, and of nothing in particular 400', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const post = async (path: string, json?: unknown) => {
      const { status, body } = await world.ask('POST', path, { key, ...(json !== undefined && { json }) })
      return [status, body['code']]
    }
    expect(await post('/v1/deliveries/dlv_unknown/retry')).toEqual([404, 'delivery_not_found'])
    expect(await post('/v1/deliveries/x/retry')).toEqual([404, 'delivery_not_found'])
    expect(await post('/v1/deliveries/retry', { app: 'no-such-app' })).toEqual([404, 'app_not_found'])
    for (const wrong of [
      {},
      { all: false },
      { app: 'wiki', all: true },
      { app: 7 },
      [],
      null,
      'all',
      { ap: 1 },
    ]) {
      expect([wrong, await post('/v1/deliveries/retry', wrong)]).toEqual([wrong, [400, 'input_invalid']])
    }
  })
})

describe('apps', () => {
  test('that fail stand first, with why and since when', async () => {
    await using world = await startWorld()
    world.wiki.behave({ answer: 503 })
    await world.ended('wiki')
    await world.gateway.dispatcher.runDue()
    const { body } = await world.ask('GET', '/v1/apps/health', { key: await world.key('apps:read') })
    expect(body['data']).toMatchObject([
      {
        app: { id: 'wiki', name: 'Wiki' },
        state: 'failing',
        failures: 1,
        failing_since: expect.any(String),
        reason: 'it answered 503',
        pending: 1,
      },
    ])
  })

  test('are checked on demand, and the check is in the trail under the key', async () => {
    await using world = await startWorld()
    const { body } = await world.ask('POST', '/v1/apps/wiki/check', { key: await world.key('apps:check') })
    expect(body).toMatchObject({ app: { id: 'wiki' }, outcome: 'failed', connection: { kind: 'reached' } })
    const [line] = await world.gateway.stores.audit.list({ types: ['app.checked'], limit: 1 })
    expect(JSON.parse(line?.actor ?? '{}')).toMatchObject({ kind: 'api-key' })
    const unknown = await world.ask('POST', '/v1/apps/no-such-app/check', { key: await world.key() })
    expect([unknown.status, unknown.body['code']]).toEqual([404, 'app_not_found'])
  })
})
