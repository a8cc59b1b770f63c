import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type EphemeralFile, openEphemeral } from '#adapters/sql/ephemeral.ts'
import type { Clock } from '#gateway/kernel/clock.ts'
import { seededPause } from '#test/support/database.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { describeEphemeral } from './ephemeral-store.ts'

async function open(clock: Clock, seed?: number) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  const openFile = (): EphemeralFile =>
    openEphemeral({
      file: join(folder, 'ephemeral.db'),
      clock,
      ...(seed === undefined ? {} : { pause: seededPause(seed) }),
    })
  let ephemeral = openFile()
  return {
    ephemeral,
    restart: async () => {
      await ephemeral[Symbol.asyncDispose]()
      ephemeral = openFile()
      return ephemeral
    },
    [Symbol.asyncDispose]: async () => {
      await ephemeral[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describeEphemeral('SQLite', (clock) => open(clock))
describeEphemeral('SQLite, waiting at random between statements', (clock) => open(clock, 14))

describe('short-lived state (SQLite)', () => {
  test('is swept in batches of at most 100 once it expired', async () => {
    using clock = createManualClock()
    await using store = await open(clock)
    for (let index = 0; index < 150; index++) await store.ephemeral.put('a', String(index), index, 1_000)
    await store.ephemeral.put('a', 'later', 1, 2_000)
    expect(await store.ephemeral.sweep()).toBe(0)
    clock.advance({ seconds: 1 })
    expect(await store.ephemeral.sweep()).toBe(100)
    expect(await store.ephemeral.sweep()).toBe(50)
    expect(await store.ephemeral.get('a', 'later')).toBe(1)
  })

  test('is shared by two processes: of both, one takes it', async () => {
    using clock = createManualClock()
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
    const file = join(folder, 'ephemeral.db')
    await using one = openEphemeral({ file, clock })
    await using other = openEphemeral({ file, clock })
    await one.put('a', 'a', 1, 1_000)
    const taken = await Promise.all([one.take('a', 'a'), other.take('a', 'a')])
    expect(taken.filter((value) => value === 1)).toHaveLength(1)
    rmSync(folder, { recursive: true })
  })

  test('that was closed says so instead of finding nothing', async () => {
    using clock = createManualClock()
    await using store = await open(clock)
    await store.ephemeral[Symbol.asyncDispose]()
    await expect(store.ephemeral.get('a', 'a')).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('whose file is no database says so when it is opened', async () => {
    using clock = createManualClock()
    expect(() => openEphemeral({ file: '/dev/null/ephemeral.db', clock })).toThrow()
  })
})
