import { createSecretKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { publishedAfterMs } from '#gateway/keys/signing-key.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { openKeyring } from './opened-keyring.ts'

const byOperator = { actor: { kind: 'command-line' } } as const

describe('the keyring', () => {
  test('has a key of each algorithm that signs, from the first run on', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    expect(one.keyring.signing('ES256').alg).toBe('ES256')
    expect(one.keyring.signing('RS256').alg).toBe('RS256')
    expect(one.keyring.signing('RS256').publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
    expect(one.keyring.published()).toHaveLength(2)
    expect(one.audited.map(({ type }) => type)).toEqual([
      'key.created',
      'key.activated',
      'key.created',
      'key.activated',
    ])
  })

  test('has the same keys and secrets after a restart', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using before = await openKeyring({ file: database.file, clock })
    await using after = await openKeyring({ file: database.file, clock })
    expect(after.keyring.published()).toEqual(before.keyring.published())
    expect(after.keyring.secret('pairwise')).toEqual(before.keyring.secret('pairwise'))
    expect(after.keyring.secret('pairwise')).toHaveLength(32)
    expect(after.keyring.secret('pairwise')).not.toEqual(after.keyring.secret('cookie'))
    expect(after.audited).toEqual([])
  })

  test('is made once, though four processes start together', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    const all = await Promise.all(
      Array.from({ length: 4 }, () => openKeyring({ file: database.file, clock })),
    )
    const published = all.map(({ keyring }) => keyring.published())
    expect(new Set(published.map((keys) => JSON.stringify(keys))).size).toBe(1)
    expect(new Set(all.map(({ keyring }) => keyring.secret('cookie').toString('hex'))).size).toBe(1)
    for (const one of all) await one[Symbol.asyncDispose]()
  })

  test('publishes no private member', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    for (const jwk of one.keyring.published()) {
      expect(
        Object.keys(jwk).filter((member) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(member)),
      ).toEqual([])
      expect(jwk).toMatchObject({ use: 'sig', kid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) })
    }
  })

  test('publishes a new key a day before it signs, and the old one for 90 days after', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const old = one.keyring.signing('ES256')
    const made = await one.keyring.rotate(byOperator)
    expect(made.map(({ alg, state }) => [alg, state])).toEqual([
      ['ES256', 'next'],
      ['RS256', 'next'],
    ])
    expect(one.keyring.published()).toHaveLength(4)
    clock.advance({ hours: 23, minutes: 59 })
    expect(one.keyring.signing('ES256').keyId).toBe(old.keyId)
    clock.advance({ minutes: 1 })
    expect(one.keyring.signing('ES256').keyId).toBe(made[0]?.keyId)
    expect(one.keyring.published()[0]?.kid).not.toBe(old.keyId)
    expect(one.keyring.describe().find(({ keyId }) => keyId === old.keyId)).toMatchObject({
      state: 'retired',
      retiresAt: clock.now(),
      removedAt: clock.now() + publishedAfterMs,
    })
    clock.advance({ days: 90, ms: -1 })
    expect(one.keyring.published()).toHaveLength(4)
    clock.advance({ ms: 1 })
    expect(one.keyring.published().map(({ kid }) => kid)).not.toContain(old.keyId)
  })

  test('signs with a new key at once when it is told to', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    one.audited.length = 0
    const made = await one.keyring.rotate({ ...byOperator, publishAheadMs: 0 })
    expect(made.map(({ state }) => state)).toEqual(['active', 'active'])
    expect(one.keyring.signing('RS256').keyId).toBe(made.find(({ alg }) => alg === 'RS256')?.keyId)
    expect(one.keyring.published()).toHaveLength(4)
    expect(one.audited.map(({ type }) => type)).toEqual([
      'key.created',
      'key.created',
      'key.retired',
      'key.activated',
      'key.retired',
      'key.activated',
    ])
  })

  test('lists the keys that sign before the others, so that an engine that takes the first one signs right', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    await one.keyring.rotate({ ...byOperator, publishAheadMs: 0 })
    await one.keyring.rotate(byOperator)
    for (const alg of ['ES256', 'RS256'] as const) {
      expect(one.keyring.all().find((key) => key.alg === alg)).toBe(one.keyring.signing(alg))
    }
  })

  test('hears of a rotation by another process, and tells its listeners', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using server = await openKeyring({ file: database.file, clock })
    await using command = await openKeyring({ file: database.file, clock })
    const heard = Promise.withResolvers<void>()
    server.keyring.onChange(heard.resolve)
    const made = await command.keyring.rotate({ ...byOperator, publishAheadMs: 0 })
    await server.changes.poll()
    await heard.promise
    expect(server.keyring.published()).toEqual(command.keyring.published())
    expect(made.map(({ keyId }) => keyId)).toContain(server.keyring.signing('ES256').keyId)
  })

  test('notes once, of all processes, that a key began to sign, and removes one that nobody needs', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const old = one.keyring.signing('ES256')
    await one.keyring.rotate(byOperator)
    await using other = await openKeyring({ file: database.file, clock })
    expect(await one.keyring.runDue()).toBe(0)
    clock.advance({ days: 1 })
    const noted = await Promise.all([one.keyring.runDue(), other.keyring.runDue()])
    expect(noted.sort()).toEqual([0, 2])
    expect(await one.keyring.runDue()).toBe(0)
    clock.advance({ days: 90 })
    expect(await one.keyring.runDue()).toBe(2)
    const left = await one.store.listKeys()
    expect(left).toHaveLength(2)
    expect(left.map(({ keyId }) => keyId)).not.toContain(old.keyId)
    expect(await one.keyring.runDue()).toBe(0)
  })

  test('tells its listeners when time makes another key sign', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    await one.keyring.rotate(byOperator)
    clock.advance({ days: 1 })
    let heard = 0
    const stop = one.keyring.onChange(() => heard++)
    await one.keyring.runDue()
    expect(heard).toBeGreaterThan(0)
    stop()
  })

  test('goes on signing with what it knows when the store cannot answer', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const key = one.keyring.signing('ES256')
    await one.changes.announce('keys')
    await one.database.close()
    await one.changes.poll()
    expect(one.keyring.signing('ES256')).toBe(key)
    await expect(one.keyring.rotate(byOperator)).rejects.toThrow()
  })

  test('refuses to open under another master key, and says what to do', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const another = createSecretKey(Buffer.alloc(32, 2))
    await expect(openKeyring({ file: database.file, clock, masterKey: another })).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringContaining('master.key'),
    })
    expect(await one.store.listKeys()).toHaveLength(2)
  })

  test('keeps nothing in the clear', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    const stored = JSON.stringify(await one.store.listKeys()) + (await one.store.findSecret('cookie'))
    const { d = '' } = one.keyring.signing('ES256').privateKey.export({ format: 'jwk' })
    expect(d).not.toBe('')
    expect(stored).not.toContain(d)
    expect(stored).not.toContain(one.keyring.secret('cookie').toString('base64url'))
  })

  test('is not rotated without end', async () => {
    using clock = createManualClock()
    await using database = await openTestDatabase()
    await using one = await openKeyring({ file: database.file, clock })
    for (let round = 1; round < 16; round++) await one.keyring.rotate(byOperator)
    await expect(one.keyring.rotate(byOperator)).rejects.toMatchObject({ code: 'input_invalid' })
  })
})
