import { describe, expect, it } from 'vitest'
import { addressKey } from '#gateway/sign-in/throttle.ts'
import { goodPassword, openSignIn } from './harness.ts'

describe('the throttle', () => {
  it.each([{ seed: undefined }, { seed: 11 }])(
    'counts two hundred guesses at once as two hundred (N-121, seed $seed)',
    async ({ seed }) => {
      await using test = await openSignIn(seed === undefined ? {} : { seed })
      await test.addAccount()
      const browsers = Array.from({ length: 200 }, (_, index) =>
        test.openBrowser({ address: `198.51.100.${index}` }),
      )
      const outcomes = await Promise.all(
        browsers.map((browser) => browser.withPassword('ada@example.com', 'wrong')),
      )
      expect(outcomes.filter(({ kind }) => kind === 'refused')).toHaveLength(10)
      expect(outcomes.filter(({ kind }) => kind === 'throttled')).toHaveLength(190)
      expect(test.counted.verifications).toBe(10)
      expect(test.events.filter(({ type }) => type === 'sign-in.throttled')).toHaveLength(1)
    },
  )

  it('lets an account be tried again when its window is over, and says when that is', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    for (let guess = 0; guess < 10; guess++) await browser.withPassword('ada@example.com', 'wrong')
    test.clock.advance({ minutes: 5 })
    expect(await browser.withPassword('ada@example.com', goodPassword)).toEqual({
      kind: 'throttled',
      retryAfterSeconds: 600,
    })
    test.clock.advance({ minutes: 10 })
    expect(await browser.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'signed-in' })
  })

  it('never counts what was right: a hundred sign-ins are no guesses', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    for (let count = 0; count < 105; count++) {
      expect(await browser.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'signed-in' })
    }
  })

  it('throttles an account that does not exist like one that does', async () => {
    await using test = await openSignIn()
    const browser = test.openBrowser()
    for (let guess = 0; guess < 10; guess++) {
      expect(await browser.withPassword('nobody@example.com', 'wrong')).toEqual({ kind: 'refused' })
    }
    expect(await browser.withPassword('nobody@example.com', 'wrong')).toMatchObject({ kind: 'throttled' })
  })

  it('counts every spelling of an e-mail as one account (N-122)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const spellings = [
      'ada@example.com',
      'ADA@EXAMPLE.COM',
      ' ada@example.com',
      '\uff41da@example.com',
      'Ada@Example.com\u3000',
    ]
    for (let guess = 0; guess < 10; guess++) {
      const browser = test.openBrowser({ address: `203.0.113.${guess}` })
      const spelling = spellings[guess % spellings.length] ?? ''
      expect(await browser.withPassword(spelling, 'wrong')).toEqual({ kind: 'refused' })
    }
    const another = test.openBrowser({ address: '203.0.113.99' })
    expect(await another.withPassword('aDa@example.com', 'wrong')).toMatchObject({ kind: 'throttled' })
  })

  it('never locks a person out of a browser that signed them in before (N-124)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const known = test.openBrowser()
    await known.withPassword('ada@example.com', goodPassword)
    test.clock.advance({ days: 60 })
    for (let guess = 0; guess < 30; guess++) {
      const attacker = test.openBrowser({ address: `203.0.113.${guess}` })
      await attacker.withPassword('ada@example.com', 'wrong')
    }
    const stranger = test.openBrowser({ address: '198.51.100.1' })
    expect(await stranger.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'throttled' })
    expect(await known.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'signed-in' })
  })

  it('gives a known browser an allowance of its own, not a free one', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const known = test.openBrowser()
    await known.withPassword('ada@example.com', goodPassword)
    for (let guess = 0; guess < 10; guess++) await known.withPassword('ada@example.com', 'wrong')
    expect(await known.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'throttled' })
  })

  it('knows a browser for the account that signed in there and for no other', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    await test.addAccount({ email: 'mallory@example.com' })
    const mallory = test.openBrowser()
    await mallory.withPassword('mallory@example.com', goodPassword)
    for (let guess = 0; guess < 10; guess++) await mallory.withPassword('ada@example.com', 'wrong')
    expect(await mallory.withPassword('ada@example.com', 'wrong')).toMatchObject({ kind: 'throttled' })
  })

  it('lets an account be guessed at a hundred times a day at most, however patiently', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    let judged = 0
    for (let round = 0; round < 15; round++) {
      for (let guess = 0; guess < 10; guess++) {
        const attacker = test.openBrowser({ address: `2001:db8:${round}:${guess}::1` })
        if ((await attacker.withPassword('ada@example.com', 'wrong')).kind === 'refused') judged++
      }
      test.clock.advance({ minutes: 16 })
    }
    expect(judged).toBe(100)
  })

  it('counts an address over all accounts, and a /64 as one address (N-123)', async () => {
    await using test = await openSignIn()
    for (let guess = 0; guess < 100; guess++) {
      const browser = test.openBrowser({ address: `2001:db8::${guess.toString(16)}` })
      expect(await browser.withPassword(`person-${guess}@example.com`, 'wrong')).toEqual({ kind: 'refused' })
    }
    const same = test.openBrowser({ address: '2001:db8::ffff' })
    expect(await same.withPassword('new@example.com', 'wrong')).toMatchObject({ kind: 'throttled' })
    const other = test.openBrowser({ address: '2001:db8:0:1::1' })
    expect(await other.withPassword('new@example.com', 'wrong')).toEqual({ kind: 'refused' })
  })

  it('counts failed passkeys by address', async () => {
    await using test = await openSignIn()
    const browser = test.openBrowser()
    const handle = await browser.begin()
    for (let tried = 0; tried < 100; tried++) {
      expect(await test.signIn.withPasskey({ ...browser.request(handle), response: {} })).toEqual({
        kind: 'refused',
      })
    }
    expect(await test.signIn.withPasskey({ ...browser.request(handle), response: {} })).toMatchObject({
      kind: 'throttled',
    })
  })

  it('bounds how many challenges one address may have made', async () => {
    await using test = await openSignIn()
    const browser = test.openBrowser()
    const handle = await browser.begin()
    for (let count = 0; count < 1_000; count++) await browser.optionsFor(handle)
    await expect(browser.optionsFor(handle)).rejects.toMatchObject({ code: 'throttled', status: 429 })
  })
})

describe('the address key', () => {
  it.for([
    ['192.0.2.7', '192.0.2.7', 'an IPv4 address is itself'],
    ['::ffff:192.0.2.7', '192.0.2.7', 'IPv4 in IPv6 is IPv4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', 'IPv6 is its /64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64', 'spelling does not matter'],
    ['fe80::1%eth0', 'fe80::/64', 'a zone does not matter'],
    ['not an address', 'unknown', 'anything else shares one counter'],
  ])('of %s is %s: %s', ([address, key]) => {
    expect(addressKey(address ?? '')).toBe(key)
  })
})
