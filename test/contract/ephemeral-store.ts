import { describe, expect, test } from 'vitest'
import type { Clock } from '#gateway/kernel/clock.ts'
import type { Ephemeral } from '#gateway/kernel/ephemeral.ts'
import { createManualClock } from '#test/support/manual-clock.ts'

export interface OpenedEphemeral extends AsyncDisposable {
  readonly ephemeral: Ephemeral
  /** Closes it and opens it again over what it kept. */
  restart(): Promise<Ephemeral>
}

/** What every store of short-lived state does. `open` gives an empty one. */
export function describeEphemeral(name: string, open: (clock: Clock) => Promise<OpenedEphemeral>): void {
  describe(`short-lived state (${name})`, () => {
    test('is given back until its time is over', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await store.ephemeral.put('challenge', 'a', { challenge: 'é "quoted"', at: [1, null, true] }, 1_000)
      clock.advance({ ms: 999 })
      expect(await store.ephemeral.get('challenge', 'a')).toEqual({
        challenge: 'é "quoted"',
        at: [1, null, true],
      })
      clock.advance({ ms: 1 })
      expect(await store.ephemeral.get('challenge', 'a')).toBeUndefined()
      expect(await store.ephemeral.take('challenge', 'a')).toBeUndefined()
    })

    test('is not there when nobody put it there', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await store.ephemeral.put('challenge', 'a', 1, 1_000)
      expect(await store.ephemeral.get('challenge', 'b')).toBeUndefined()
      expect(await store.ephemeral.get('attempt', 'a')).toBeUndefined()
      expect(await store.ephemeral.take('attempt', 'a')).toBeUndefined()
    })

    test('is replaced by what is put there later, with its own time', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await store.ephemeral.put('attempt', 'a', 'first', 1_000)
      await store.ephemeral.put('attempt', 'a', 'second', 5_000)
      clock.advance({ seconds: 4 })
      expect(await store.ephemeral.get('attempt', 'a')).toBe('second')
    })

    test('is taken by exactly one of eight', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await store.ephemeral.put('challenge', 'a', 'value', 1_000)
      const taken = await Promise.all(Array.from({ length: 8 }, () => store.ephemeral.take('challenge', 'a')))
      expect(taken.filter((value) => value === 'value')).toHaveLength(1)
      expect(taken.filter((value) => value === undefined)).toHaveLength(7)
      expect(await store.ephemeral.get('challenge', 'a')).toBeUndefined()
    })

    test('is added by exactly one of eight, and again once it expired', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      const addEight = (round: string) =>
        Promise.all(
          Array.from({ length: 8 }, (_, index) =>
            store.ephemeral.add('once', 'a', `${round} ${index}`, 1_000),
          ),
        )
      const first = await addEight('first')
      expect(first.filter((won) => won)).toHaveLength(1)
      expect(await store.ephemeral.get('once', 'a')).toBe(`first ${first.indexOf(true)}`)
      clock.advance({ ms: 1_000 })
      const second = await addEight('second')
      expect(second.filter((won) => won)).toHaveLength(1)
      expect(await store.ephemeral.get('once', 'a')).toBe(`second ${second.indexOf(true)}`)
    })

    test('counts every hit of eight at once', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      const hits = await Promise.all(
        Array.from({ length: 8 }, () => store.ephemeral.hit('guesses', 'ada', 60_000)),
      )
      expect(hits.map(({ count }) => count).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
      expect(new Set(hits.map(({ endsAt }) => endsAt))).toEqual(new Set([clock.now() + 60_000]))
    })

    test('counts in a window that its first hit opens and later ones do not move', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      const { endsAt } = await store.ephemeral.hit('guesses', 'ada', 60_000)
      clock.advance({ seconds: 59 })
      expect(await store.ephemeral.hit('guesses', 'ada', 60_000)).toEqual({ count: 2, endsAt })
      clock.advance({ seconds: 1 })
      expect(await store.ephemeral.hit('guesses', 'ada', 60_000)).toEqual({
        count: 1,
        endsAt: clock.now() + 60_000,
      })
    })

    test('gives a hit back, never below nothing, and opens no window for that', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      expect((await store.ephemeral.hit('guesses', 'ada', 60_000, -1)).count).toBe(0)
      clock.advance({ seconds: 30 })
      const { endsAt } = await store.ephemeral.hit('guesses', 'ada', 60_000, 3)
      expect(endsAt).toBe(clock.now() + 60_000)
      expect((await store.ephemeral.hit('guesses', 'ada', 60_000, -1)).count).toBe(2)
      expect((await store.ephemeral.hit('guesses', 'ada', 60_000, -5)).count).toBe(0)
      expect((await store.ephemeral.hit('guesses', 'ada', 60_000)).count).toBe(1)
    })

    test('tells how much was counted without counting', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await store.ephemeral.hit('guesses', 'ada', 60_000, 4)
      expect((await store.ephemeral.hit('guesses', 'ada', 60_000, 0)).count).toBe(4)
    })

    test('is still there after a restart', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await store.ephemeral.put('attempt', 'a', 'value', 1_000)
      await store.ephemeral.hit('guesses', 'ada', 60_000)
      const again = await store.restart()
      expect(await again.get('attempt', 'a')).toBe('value')
      expect((await again.hit('guesses', 'ada', 60_000)).count).toBe(2)
    })

    test.for([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
      'is refused a life of %d ms',
      async (ttlMs) => {
        using clock = createManualClock()
        await using store = await open(clock)
        await expect(store.ephemeral.put('a', 'a', 1, ttlMs)).rejects.toThrow(RangeError)
        await expect(store.ephemeral.add('a', 'a', 1, ttlMs)).rejects.toThrow(RangeError)
        await expect(store.ephemeral.hit('a', 'a', ttlMs)).rejects.toThrow(RangeError)
      },
    )

    test('is refused when it is too large or no JSON', async () => {
      using clock = createManualClock()
      await using store = await open(clock)
      await expect(store.ephemeral.put('a', 'a', 'x'.repeat(65_536), 1_000)).rejects.toMatchObject({
        code: 'payload_too_large',
      })
      await expect(store.ephemeral.put('a', 'a', undefined, 1_000)).rejects.toThrow(TypeError)
    })
  })
}
