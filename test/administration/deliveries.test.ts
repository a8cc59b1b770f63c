import { describe, expect, test } from 'vitest'
import type { AppId, DeliveryId } from '#gateway/kernel/ids.ts'
import { byShell, openCore } from './harness.ts'

/** Two apps that did not answer when they were told of a session's end: nothing runs where they should be. */
async function openOwing() {
  const core = await openCore()
  await core.addApp('wiki')
  await core.addApp('mail')
  const account = await core.addAccount('ada@example.com')
  const session = await core.beginSession(account.id, 'wiki', 'mail')
  const { logoutId } = await core.commands.sessions.end(session.id, byShell)
  if (logoutId === undefined) throw new Error('the session was live')
  await core.dispatcher.runDue()
  // Retrying gives them more time than they had; in the same instant there would be no more.
  core.clock.advance({ ms: 1 })
  const deliveries = await core.stores.logouts.deliveriesOf([logoutId])
  await core.audited()
  return { core, deliveries }
}

/** What the lines about retries say, oldest first. */
async function retriesAudited(core: Awaited<ReturnType<typeof openCore>>) {
  const rows = await core.stores.audit.list({ types: ['delivery.retried'], limit: 10 })
  return rows.map(({ actor, subject, detail }) => ({ actor, subject, ...JSON.parse(detail) })).reverse()
}

describe('telling apps now', () => {
  test('is for one delivery, for an app or for all, and each is a line in the trail', async () => {
    const { core, deliveries } = await openOwing()
    await using _ = core
    const [first] = deliveries
    if (first === undefined) throw new Error('two are owed')
    const { retry } = core.commands.deliveries
    expect(await retry({ kind: 'delivery', id: first.id }, byShell)).toBe(1)
    await core.dispatcher.runDue()
    core.clock.advance({ ms: 1 })
    expect(await retry({ kind: 'app', appId: 'wiki' as AppId }, byShell)).toBe(1)
    await core.dispatcher.runDue()
    core.clock.advance({ ms: 1 })
    expect(await retry({ kind: 'all' }, byShell)).toBe(2)
    const actor = JSON.stringify(byShell)
    expect(await retriesAudited(core)).toEqual([
      { actor, subject: first.appId, deliveryId: first.id, appId: first.appId, count: 1 },
      { actor, subject: 'wiki', appId: 'wiki', count: 1 },
      { actor, subject: '', count: 2 },
    ])
  })

  test('of what does not exist is refused, and nothing is written', async () => {
    const { core } = await openOwing()
    await using _ = core
    const { retry } = core.commands.deliveries
    await expect(retry({ kind: 'delivery', id: 'dlv_unknown' as DeliveryId }, byShell)).rejects.toMatchObject(
      { code: 'delivery_not_found' },
    )
    await expect(retry({ kind: 'app', appId: 'unknown' as AppId }, byShell)).rejects.toMatchObject({
      code: 'app_not_found',
    })
    expect(await core.audited()).toEqual([])
  })

  test('is for operators, and for programs whose key has the scope', async () => {
    const { core } = await openOwing()
    await using _ = core
    const { apiKeys, deliveries } = core.commands
    const bob = await core.addAccount('bob@example.com')
    const { key: may } = await apiKeys.create({ name: 'may', scopes: ['logouts:retry'] }, byShell)
    const { key: mayNot } = await apiKeys.create({ name: 'may not', scopes: ['logouts:read'] }, byShell)
    await expect(
      deliveries.retry({ kind: 'all' }, { kind: 'operator', accountId: bob.id }),
    ).rejects.toMatchObject({ code: 'forbidden' })
    await expect(
      deliveries.retry({ kind: 'all' }, { kind: 'api-key', apiKeyId: mayNot.id }),
    ).rejects.toMatchObject({ code: 'insufficient_scope' })
    expect(await deliveries.retry({ kind: 'all' }, { kind: 'api-key', apiKeyId: may.id })).toBe(2)
  })
})
