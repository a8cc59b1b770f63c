import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { aDelivery, aLogout } from '#test/logout/builders.ts'
import { listeningWith } from '#test/metrics/reading.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World, type WorldOptions } from '#test/oidc/world.ts'
import { freePort } from '#test/support/gateway.ts'
import { openReceiver, type Received, type Receiver } from '#test/support/receiver.ts'

const key = Buffer.from('the webhook secret, 32 bytes of it')
const secret = `whsec_${key.toString('base64')}`
const apps = { wiki: {}, shelf: { oidc: { backchannel_logout_uri: undefined } } }

interface Told extends World {
  readonly webhook: Receiver
}

/** A gateway whose operator has a webhook. `wiki` can be told, `shelf` cannot. */
async function withWebhook(options: WorldOptions = {}, webhook?: Receiver): Promise<Told> {
  const receiver = webhook ?? (await openReceiver())
  const world = await startWorld({
    apps,
    ...options,
    settings: {
      logout: { webhook: { url: receiver.url, secret } },
      metrics: { port: 9464 },
      ...options.settings,
    },
  })
  return {
    ...world,
    webhook: receiver,
    [Symbol.asyncDispose]: async () => {
      await world[Symbol.asyncDispose]()
      await receiver[Symbol.asyncDispose]()
    },
  }
}

/** Ada signs in, opens these apps, and an operator ends all her sessions. */
async function endedAfter(world: World, ...ids: readonly string[]): Promise<string | undefined> {
  const browser = await world.signedIn()
  for (const id of ids) await redeemed(await opened(browser, world.client(id)))
  const selector = { kind: 'account', accountId: 'ada' as AccountId } as const
  return (await world.gateway.endSession(selector, 'admin', { kind: 'command-line' })).logoutId
}

function sender({ gateway }: World) {
  if (gateway.webhook === undefined) throw new Error('there is no webhook')
  return gateway.webhook.sender
}

/** Runs what is due now and after the time in which a message waits for more. */
async function afterGathering(world: World): Promise<number> {
  const sent = await sender(world).runDue()
  world.clock.advance({ seconds: 11 })
  return sent + (await sender(world).runDue())
}

/** As the specification says, and by nothing of ours. */
function verified(world: World, { headers, body }: Received): Record<string, unknown> {
  const timestamp = Number(headers['webhook-timestamp'])
  expect(Math.abs(timestamp - world.clock.now() / 1_000)).toBeLessThan(300)
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  expect(headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', key).update(content).digest('base64')}`,
  )
  expect(headers['content-type']).toBe('application/json')
  return JSON.parse(body) as Record<string, unknown>
}

const messages = (world: Told) => world.webhook.received.map((received) => verified(world, received))

describe('the webhook of an operator', () => {
  test('is told once, signed, of an app that refuses', async () => {
    await using world = await withWebhook()
    const logoutId = await endedAfter(world, 'wiki')
    // What an app says of itself, or of a person, stays here.
    world.receiver.behave({ answer: 404, body: '{"error":"no ada@example.com here"}' })
    for (let attempt = 0; attempt < 4; attempt++) {
      await world.gateway.dispatcher.runDue()
      world.clock.advance({ minutes: 16 })
      expect(await afterGathering(world)).toBe(0)
    }
    await world.gateway.dispatcher.runDue()
    const at = new Date(world.clock.now()).toISOString()
    expect(await afterGathering(world)).toBe(1)
    expect(await afterGathering(world)).toBe(0)

    expect(messages(world)).toEqual([
      {
        type: 'logout.delivery_failed',
        timestamp: at,
        data: {
          logout_id: logoutId,
          app_id: 'wiki',
          delivery_id: expect.stringMatching(/^dlv_/),
          cause: 'admin',
          state: 'refused',
          reason: 'it answered 404',
          attempts: 5,
          deliveries: 1,
        },
      },
    ])
    expect(world.webhook.received[0]?.method).toBe('POST')
    expect(world.webhook.received[0]?.headers['webhook-id']).toMatch(/^msg_[\w-]{22}$/)
  })

  test('is told of an app that never answers when its time is over, and when it stops answering', async () => {
    await using world = await withWebhook()
    await endedAfter(world, 'wiki')
    world.receiver.behave({ answer: 503 })
    for (let time = 0; time < 75; time++) {
      await world.gateway.dispatcher.runDue()
      await sender(world).runDue()
      world.clock.advance({ hours: 1 })
    }
    const said = world.webhook.received.map(({ body }) => JSON.parse(body) as { type: string; data: object })
    expect(said.map(({ type }) => type)).toEqual(['app.unreachable', 'logout.delivery_failed'])
    expect(said[0]?.data).toMatchObject({ app_id: 'wiki', failures: 5, reason: 'it answered 503' })
    expect(said[1]?.data).toMatchObject({ state: 'abandoned', reason: 'it answered 503' })
  })

  test('is told when an app answers again', async () => {
    await using world = await withWebhook()
    await endedAfter(world, 'wiki')
    world.receiver.behave({ answer: 503 })
    for (let time = 0; time < 8; time++) {
      await world.gateway.dispatcher.runDue()
      world.clock.advance({ minutes: 16 })
    }
    world.receiver.behave({ answer: 200 })
    await world.gateway.dispatcher.runDue()
    await afterGathering(world)
    expect(messages(world).map(({ type, data }) => [type, data])).toEqual([
      ['app.unreachable', expect.objectContaining({ app_id: 'wiki' })],
      ['app.reachable', { app_id: 'wiki' }],
    ])
  })

  test('hears nothing of an app that confirms', async () => {
    await using world = await withWebhook()
    await endedAfter(world, 'wiki')
    await world.gateway.dispatcher.runDue()
    expect(await afterGathering(world)).toBe(0)
    expect(world.webhook.received).toEqual([])
  })

  test('gets one message for a Logout and an app, however many sessions it was', async () => {
    await using world = await withWebhook()
    for (let session = 0; session < 3; session++)
      await redeemed(await opened(await world.signedIn(), world.client('shelf')))
    await endedAfter(world, 'shelf', 'wiki')
    await world.gateway.dispatcher.runDue()
    await afterGathering(world)
    expect(messages(world)).toMatchObject([
      {
        type: 'logout.delivery_failed',
        data: {
          app_id: 'shelf',
          state: 'untellable',
          reason: 'it offers no way to tell it',
          attempts: 0,
          deliveries: 4,
        },
      },
    ])
  })

  test('gets one for ten thousand that come in batches', async () => {
    await using world = await withWebhook()
    const { stores, webhook, transaction, clock } = world.gateway
    const logout = aLogout({ cause: 'bulk' })
    await stores.logouts.insert(logout, [])
    for (let batch = 0; batch < 50; batch++) {
      const settled = Array.from({ length: 200 }, () => ({
        ...aDelivery({ logoutId: logout.id }),
        progress: { state: 'untellable', settledAt: clock.now(), reason: 'none' } as const,
      }))
      await transaction.run(async () => webhook?.outbox.deliveriesSettled(settled))
      world.clock.advance({ seconds: 1 })
    }
    await afterGathering(world)
    expect(messages(world)).toMatchObject([{ data: { cause: 'bulk', deliveries: 10_000 } }])
  })
})

test('a message that waits is sent by the running gateway, without anybody asking', async () => {
  await using world = await withWebhook({ background: true })
  await endedAfter(world, 'shelf')
  world.clock.advance({ seconds: 11 })
  sender(world).wake()
  await world.webhook.arrived(1)
  expect(messages(world)).toMatchObject([{ data: { app_id: 'shelf' } }])
})

test('deliveries that were given up are counted by how', async () => {
  await using world = await withWebhook({ apps: { ...apps, board: {} } })
  await using metrics = await listeningWith(world.gateway.handleMetrics)
  const count = async (outcome: string) =>
    (await metrics.read()).get(`gatehouse_logout_deliveries_total{outcome="${outcome}"}`)
  await endedAfter(world, 'wiki', 'shelf')
  world.receiver.behave({ answer: 404 })
  for (let attempt = 0; attempt < 5; attempt++) {
    await world.gateway.dispatcher.runDue()
    world.clock.advance({ minutes: 16 })
  }
  await endedAfter(world, 'board')
  world.receiver.behave('hang-up')
  for (let time = 0; time < 75; time++) {
    await world.gateway.dispatcher.runDue()
    world.clock.advance({ hours: 1 })
  }
  expect([await count('refused'), await count('abandoned'), await count('untellable')]).toEqual([1, 1, 1])
  expect(await count('delivered')).toBe(0)
})

describe('a webhook that does not take a message', () => {
  test('gets the same one again, newly signed, until it does', async () => {
    await using world = await withWebhook()
    await endedAfter(world, 'shelf')
    world.webhook.behave({ answer: 503 })
    await afterGathering(world)
    world.clock.advance({ minutes: 16 })
    world.webhook.behave('hang-up')
    await sender(world).runDue()
    world.clock.advance({ minutes: 16 })
    world.webhook.behave({ answer: 202 })
    await sender(world).runDue()
    expect(await afterGathering(world)).toBe(0)
    const { received } = world.webhook
    expect(received).toHaveLength(3)
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(received.map(({ headers }) => headers['webhook-signature'])).size).toBe(3)
  })

  test('gets it from the process that comes after a restart', async () => {
    const webhook = await openReceiver()
    webhook.behave({ answer: 500 })
    const first = await withWebhook({}, webhook)
    await endedAfter(first, 'shelf')
    await afterGathering(first)
    await first.stop()
    first.clock.advance({ minutes: 16 })
    webhook.behave({ answer: 200 })
    await using second = await withWebhook(
      { folder: first.folder, port: first.port, clock: first.clock },
      webhook,
    )
    expect(await sender(second).runDue()).toBe(1)
    const [failed, taken, ...others] = webhook.received
    if (failed === undefined || taken === undefined) throw new Error('it was sent twice')
    expect(others).toEqual([])
    expect(taken.headers['webhook-id']).toBe(failed.headers['webhook-id'])
    expect(verified(second, taken)).toMatchObject({ data: { app_id: 'shelf' } })
    first.clock[Symbol.dispose]()
    await first.receiver[Symbol.asyncDispose]()
  })

  test('is given up on after the time for retries, and counted', async () => {
    await using world = await withWebhook()
    await using metrics = await listeningWith(world.gateway.handleMetrics)
    await endedAfter(world, 'shelf')
    world.webhook.behave({ answer: 503 })
    for (let time = 0; time < 75; time++) {
      await sender(world).runDue()
      world.clock.advance({ hours: 1 })
    }
    expect(world.webhook.received.length).toBeGreaterThan(70)
    world.clock.advance({ days: 1 })
    expect(await sender(world).runDue()).toBe(0)
    const read = await metrics.read()
    expect(read.get('gatehouse_webhook_messages_total{outcome="abandoned"}')).toBe(1)
    expect(read.get('gatehouse_webhook_messages_total{outcome="delivered"}')).toBe(0)
    expect(read.get('gatehouse_logout_deliveries_total{outcome="untellable"}')).toBe(1)
    expect(
      world.logLines.filter(({ message }) => message === 'the webhook did not take a message'),
    ).toHaveLength(1)
  })

  test('because it says no is asked five times', async () => {
    await using world = await withWebhook()
    await using metrics = await listeningWith(world.gateway.handleMetrics)
    await endedAfter(world, 'shelf')
    world.webhook.behave({ answer: 302, headers: { location: world.receiver.url } })
    for (let time = 0; time < 10; time++) {
      await sender(world).runDue()
      world.clock.advance({ minutes: 16 })
    }
    expect(world.webhook.received).toHaveLength(5)
    // A redirect is followed nowhere.
    expect(world.receiver.received.filter(({ headers }) => headers['webhook-id'] !== undefined)).toEqual([])
    expect((await metrics.read()).get('gatehouse_webhook_messages_total{outcome="refused"}')).toBe(1)
  })

  test('N-171: is not called where the gateway itself listens', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/healthz`
    await using world = await withWebhook({ port, settings: { logout: { webhook: { url, secret } } } })
    await endedAfter(world, 'shelf')
    const asked = world.logLines.length
    expect(await afterGathering(world)).toBe(1)
    expect(world.logLines.slice(asked).map(({ message }) => message)).toEqual([
      'a message could not be sent to the webhook yet',
    ])
  })
})

test('messages are kept as long as the history they belong to', async () => {
  await using world = await withWebhook()
  await endedAfter(world, 'shelf')
  world.clock.advance({ days: 89 })
  await world.gateway.sweeper.runOnce()
  expect(await world.gateway.stores.webhooks.nextDueAfter(0)).toBeDefined()
  world.clock.advance({ days: 2 })
  await world.gateway.sweeper.runOnce()
  expect(await world.gateway.stores.webhooks.nextDueAfter(0)).toBeUndefined()
})

test('without a webhook nothing is written for one', async () => {
  await using world = await startWorld({ apps })
  await endedAfter(world, 'shelf')
  expect(world.gateway.webhook).toBeUndefined()
  expect(await world.gateway.stores.webhooks.nextDueAfter(0)).toBeUndefined()
})

test('news that cannot be written ends nothing: the session and its news are one transaction', async () => {
  await using world = await withWebhook()
  const browser = await world.signedIn()
  await redeemed(await opened(browser, world.client('shelf')))
  const { database, endSession, stores } = world.gateway
  await database.q().schema.alterTable('webhook_messages').renameTo('gone').execute()
  const selector = { kind: 'account', accountId: 'ada' as AccountId } as const
  await expect(endSession(selector, 'admin', { kind: 'command-line' })).rejects.toThrow()
  expect(await stores.logouts.list({ limit: 1 })).toEqual([])
  expect((await browser.get(`${world.issuer}/`)).url).toBe(`${world.issuer}/`)
})
