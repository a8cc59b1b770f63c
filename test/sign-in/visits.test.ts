import { describe, expect, it } from 'vitest'
import { minuteMs } from '#gateway/kernel/clock.ts'
import { openSignIn } from './harness.ts'

/** What an address may leave behind in ten minutes. */
const bound = 10_000

type Test = Awaited<ReturnType<typeof openSignIn>>

/** As if so many had come from there; making them all would take a while. */
const came = (test: Test, address: string, count: number) =>
  test.ephemeral.hit('throttle-attempts', address, 10 * minuteMs, count)

describe('browsers that have proved nothing', () => {
  it('may begin as many sign-ins as a large office behind one address does, and no more', async () => {
    await using test = await openSignIn()
    const office = test.openBrowser({ address: '192.0.2.7' })
    await came(test, '192.0.2.7', bound - 1)
    await office.begin()
    test.clock.advance({ minutes: 4 })
    await expect(office.begin()).rejects.toMatchObject({
      code: 'throttled',
      status: 429,
      retryAfterSeconds: 360,
    })
    await expect(office.begin()).rejects.toMatchObject({ code: 'throttled' })
    expect(test.events).toEqual([{ type: 'sign-in.throttled', scope: 'address', address: '192.0.2.7' }])
  })

  it('from elsewhere are not held up by them, nor is anybody once the time is over', async () => {
    await using test = await openSignIn()
    await came(test, '192.0.2.7', bound)
    await test.openBrowser({ address: '192.0.2.8' }).begin()
    test.clock.advance({ minutes: 10 })
    await test.openBrowser({ address: '192.0.2.7' }).begin()
  })

  it('are one for all addresses of an IPv6 /64 (N-123)', async () => {
    await using test = await openSignIn()
    await came(test, '2001:db8:1:2::/64', bound)
    await expect(test.openBrowser({ address: '2001:db8:1:2::77' }).begin()).rejects.toThrow()
    await test.openBrowser({ address: '2001:db8:1:3::77' }).begin()
  })

  it('leave nothing behind when they are sent away', async () => {
    await using test = await openSignIn()
    await came(test, '192.0.2.7', bound)
    await expect(test.openBrowser({ address: '192.0.2.7' }).begin()).rejects.toThrow()
    test.clock.advance({ minutes: 10 })
    // The counter, and nothing else.
    expect(await test.ephemeral.sweep()).toBe(1)
  })
})
