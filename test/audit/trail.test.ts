import { describe, expect, test } from 'vitest'
import { createStores } from '#adapters/sql/stores.ts'
import { Sealer } from '#gateway/audit/sealer.ts'
import { createAuditTrail } from '#gateway/audit/trail.ts'
import { type CheckStatement, verifyTrail } from '#gateway/audit/verify.ts'
import { dayMs } from '#gateway/kernel/clock.ts'
import { digest } from '#gateway/kernel/digest.ts'
import type { AccountId, AppId, KeyId } from '#gateway/kernel/ids.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { createMemoryLog } from '#test/support/silent-log.ts'

const ada = 'ada' as AccountId
const keepMs = 400 * dayMs

/** Stands for a key that only the gateway has. */
const signatureOf = (statement: string): string => digest(`only we know this ${statement}`)
const check: CheckStatement = (statement, signature) => Promise.resolve(signatureOf(statement) === signature)

async function openTrail(seed?: number) {
  const database = await openTestDatabase(seed === undefined ? {} : { seed })
  const clock = createManualClock()
  const { audit: store } = createStores(database, 'default')
  const { log, lines } = createMemoryLog()
  const newSealer = () =>
    new Sealer({
      store,
      transaction: database.transaction,
      clock,
      log,
      keepMs,
      sign: (statement) => Promise.resolve(signatureOf(statement)),
    })
  const sealer = newSealer()
  const trail = createAuditTrail({ store, clock })
  const events = (count: number) =>
    trail.appendAll(
      Array.from({ length: count }, () => ({ type: 'account.disabled', accountId: ada }) as const),
      { actor: { kind: 'command-line' } },
    )
  return {
    database,
    clock,
    store,
    lines,
    sealer,
    newSealer,
    trail,
    events,
    verify: () => verifyTrail({ store, check }),
    /** What somebody with the database file and no key can do. */
    tamper: (change: 'detail' | 'chain', seq: number) =>
      database
        .q()
        .updateTable('audit_events')
        .set({ [change]: 'forged' })
        .where('seq', '=', seq)
        .execute(),
    remove: (seq: number) => database.q().deleteFrom('audit_events').where('seq', '=', seq).execute(),
    [Symbol.asyncDispose]: async () => {
      await sealer[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
    },
  }
}

describe('the audit trail', () => {
  test('says what happened, when, by whom and for which request', async () => {
    await using audit = await openTrail()
    const trail = createAuditTrail({ ...audit, requestId: () => 'request-1' })
    await trail.append(
      { type: 'app.changed', appId: 'wiki' as AppId, fields: ['name'] },
      { actor: { kind: 'operator', accountId: ada } },
    )
    const [row] = await audit.store.list({ limit: 1 })
    expect(row).toMatchObject({
      at: audit.clock.now(),
      type: 'app.changed',
      subject: 'wiki',
      requestId: 'request-1',
    })
    expect(JSON.parse(row?.detail ?? '')).toEqual({ appId: 'wiki', fields: ['name'] })
    expect(JSON.parse(row?.actor ?? '')).toEqual({ kind: 'operator', accountId: 'ada' })
  })

  test.for([
    [
      'an account where one is concerned',
      { type: 'consent.denied', accountId: ada, appId: 'wiki' as AppId },
      'ada',
    ],
    ['else an app', { type: 'app.enabled', appId: 'wiki' as AppId }, 'wiki'],
    ['else a key', { type: 'key.retired', keyId: 'key-1' as KeyId, alg: 'ES256' }, 'key-1'],
    ['else nothing', { type: 'session.unknown-secret', address: '192.0.2.1' }, ''],
  ] as const)('files a line under %s', async ([, event, subject]) => {
    await using audit = await openTrail()
    await audit.trail.append(event, { actor: { kind: 'gateway' } })
    expect(await audit.store.list({ limit: 1 })).toMatchObject([{ subject }])
  })

  test('takes more lines at once than one statement does', async () => {
    await using audit = await openTrail()
    await audit.events(1_201)
    expect(await audit.store.unsealed(2_000)).toHaveLength(1_201)
  })
})

describe('sealing', () => {
  test('chains every line, and a chain nobody touched verifies', async () => {
    await using audit = await openTrail()
    await audit.events(450)
    await audit.sealer.runOnce()
    expect(await audit.store.unsealed(1)).toEqual([])
    expect(await audit.verify()).toEqual({ kind: 'intact', lines: 450, from: 1, to: 450, checkpoints: 1 })
  })

  test('an empty trail verifies', async () => {
    await using audit = await openTrail()
    await audit.sealer.runOnce()
    expect(await audit.verify()).toEqual({ kind: 'intact', lines: 0, checkpoints: 0 })
  })

  test('two sealers at once make one chain', async () => {
    await using audit = await openTrail(71)
    const other = audit.newSealer()
    await audit.events(300)
    await Promise.allSettled([audit.sealer.runOnce(), other.runOnce()])
    await audit.sealer.runOnce()
    expect(await audit.verify()).toMatchObject({ kind: 'intact', lines: 300 })
  })

  test('goes on where the last process stopped', async () => {
    await using audit = await openTrail()
    await audit.events(3)
    await audit.sealer.runOnce()
    await audit.events(2)
    await audit.newSealer().runOnce()
    expect(await audit.verify()).toMatchObject({ kind: 'intact', lines: 5 })
  })

  test('signs the end of the chain once a day, when there is something new', async () => {
    await using audit = await openTrail()
    await audit.events(3)
    await audit.sealer.runOnce()
    await audit.events(2)
    audit.clock.advance({ hours: 23 })
    await audit.sealer.runOnce()
    expect((await audit.store.checkpoints()).map(({ position }) => position)).toEqual([3])
    audit.clock.advance({ hours: 1 })
    await audit.sealer.runOnce()
    audit.clock.advance({ days: 5 })
    await audit.sealer.runOnce()
    expect((await audit.store.checkpoints()).map(({ position }) => position)).toEqual([3, 5])
  })

  test('happens by itself once started', async () => {
    await using audit = await openTrail()
    audit.sealer.start()
    await audit.events(3)
    while ((await audit.store.unsealed(1)).length > 0) await new Promise<void>((next) => setImmediate(next))
    expect(audit.lines).toEqual([])
  })
})

describe('verifying names the first line that is not as it was written', () => {
  const sealedTrail = async () => {
    const audit = await openTrail()
    await audit.events(10)
    await audit.sealer.runOnce()
    await audit.events(10)
    audit.clock.advance({ days: 1 })
    await audit.sealer.runOnce()
    return audit
  }

  test('a changed line', async () => {
    await using audit = await sealedTrail()
    await audit.tamper('detail', 7)
    expect(await audit.verify()).toEqual({ kind: 'broken', seq: 7, position: 7, why: 'changed' })
  })

  test('a changed hash', async () => {
    await using audit = await sealedTrail()
    await audit.tamper('chain', 7)
    expect(await audit.verify()).toMatchObject({ kind: 'broken', seq: 7 })
  })

  test('a line taken out: the one before it is named', async () => {
    await using audit = await sealedTrail()
    await audit.remove(7)
    expect(await audit.verify()).toEqual({ kind: 'broken', seq: 6, position: 6, why: 'missing' })
  })

  test('lines cut off at the end that a checkpoint knew of', async () => {
    await using audit = await sealedTrail()
    await audit.remove(20)
    await audit.remove(19)
    expect(await audit.verify()).toEqual({ kind: 'broken', seq: 18, position: 18, why: 'missing' })
  })

  test('a chain rewritten from somewhere on differs from what was signed', async () => {
    await using audit = await sealedTrail()
    // All of it made anew by somebody who knows how, but has no key.
    await audit.tamper('detail', 3)
    await audit.database.q().updateTable('audit_events').set({ chain: null, position: null }).execute()
    await audit.sealer.runOnce()
    expect(await audit.verify()).toEqual({ kind: 'broken', seq: 10, position: 10, why: 'checkpoint-differs' })
  })

  test('a beginning cut off and called forgetting by somebody who has no key', async () => {
    await using audit = await sealedTrail()
    for (let seq = 1; seq <= 10; seq++) await audit.remove(seq)
    expect(await audit.verify()).toMatchObject({ kind: 'broken', why: 'missing' })
    await audit.store.insertStart(10, 'forged')
    expect(await audit.verify()).toMatchObject({ kind: 'broken', why: 'checkpoint-signature' })
  })

  test('a checkpoint that was not signed here', async () => {
    await using audit = await sealedTrail()
    await audit.database
      .q()
      .updateTable('audit_checkpoints')
      .set({ signature: 'forged' })
      .where('position', '=', 20)
      .execute()
    expect(await audit.verify()).toEqual({
      kind: 'broken',
      seq: 20,
      position: 20,
      why: 'checkpoint-signature',
    })
  })
})

describe('forgetting', () => {
  test('lines older than the trail is kept go, and what is left is verifiable from the checkpoint before it', async () => {
    await using audit = await openTrail()
    await audit.events(250)
    await audit.sealer.runOnce()
    audit.clock.advance({ days: 200 })
    await audit.events(30)
    await audit.sealer.runOnce()
    audit.clock.advance({ days: 200 })
    await audit.events(4)
    await audit.sealer.runOnce()

    expect(await audit.verify()).toEqual({ kind: 'intact', lines: 34, from: 251, to: 284, checkpoints: 3 })
    await audit.tamper('detail', 251)
    expect(await audit.verify()).toMatchObject({ kind: 'broken', seq: 251 })
  })

  test('a trail all of which was forgotten verifies, and goes on', async () => {
    await using audit = await openTrail()
    await audit.events(5)
    await audit.sealer.runOnce()
    audit.clock.advance({ days: 400 })
    await audit.sealer.runOnce()
    expect(await audit.verify()).toEqual({ kind: 'intact', lines: 0, checkpoints: 1 })
    await audit.events(1)
    await audit.sealer.runOnce()
    expect(await audit.verify()).toMatchObject({ kind: 'intact', lines: 1 })
  })

  test('lines that no checkpoint vouches for are kept, however old', async () => {
    await using audit = await openTrail()
    await audit.events(5)
    await audit.sealer.runOnce()
    await audit.events(5)
    audit.clock.advance({ hours: 1 })
    await audit.sealer.runOnce()
    audit.clock.advance({ days: 400 })
    await audit.sealer.runOnce()
    expect(await audit.verify()).toMatchObject({ kind: 'intact', lines: 5, from: 6 })
  })
})
