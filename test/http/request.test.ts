import { describe, expect, it } from 'vitest'
import { canonicalAddress, factsOf, requestFacts } from '#gateway/http/request.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { serving } from './serving.ts'

function answering(trustedProxies: readonly string[]) {
  return serving(requestFacts({ random: createSeededRandom('request'), trustedProxies }), (ctx) => {
    ctx.body = factsOf(ctx.req)
  })
}

async function addressFor(trustedProxies: readonly string[], forwarded?: string | readonly string[]) {
  await using server = await answering(trustedProxies)
  const headers = forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded }
  const { body } = await server.send('GET', '/', { headers })
  return (JSON.parse(body) as { address: string }).address
}

describe('the client’s address', () => {
  it('is the socket’s, whatever a header claims, where no proxy is trusted (N-127)', async () => {
    expect(await addressFor([])).toBe('127.0.0.1')
    expect(await addressFor([], '203.0.113.7')).toBe('127.0.0.1')
  })

  it('is what the trusted proxy wrote', async () => {
    expect(await addressFor(['127.0.0.0/8'], '203.0.113.7')).toBe('203.0.113.7')
  })

  it('N-162: is the last one that no trusted proxy has; what stands before it anyone may have invented', async () => {
    const chain = '1.1.1.1, 203.0.113.7, 10.0.0.4, 10.0.0.5'
    expect(await addressFor(['127.0.0.1', '10.0.0.0/8'], chain)).toBe('203.0.113.7')
    expect(await addressFor(['127.0.0.1'], chain)).toBe('10.0.0.5')
  })

  it('reads several headers as one list', async () => {
    expect(await addressFor(['127.0.0.1'], ['1.1.1.1', '203.0.113.7'])).toBe('203.0.113.7')
  })

  it.each([
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:DB8::1]:4711', '2001:db8::1'],
    ['2001:0db8:0000::0001', '2001:db8::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is spelled %s', async (written, spelled) => {
    expect(await addressFor(['127.0.0.1'], written)).toBe(spelled)
  })

  it.each([['unknown'], ['0x7f.1'], ['127.1'], [''], ['203.0.113.7 evil'], ['<script>']])(
    'stays the proxy’s own when it writes %j',
    async (written) => {
      expect(await addressFor(['127.0.0.1'], `9.9.9.9, ${written}`)).toBe('127.0.0.1')
    },
  )

  it('has one spelling only', () => {
    expect(canonicalAddress('::FFFF:10.0.0.1')).toBe('10.0.0.1')
    expect(canonicalAddress('010.0.0.1')).toBeUndefined()
    expect(canonicalAddress(undefined)).toBeUndefined()
  })
})

describe('the request’s id', () => {
  it('is new each time, sent back, and never the client’s own', async () => {
    await using server = await answering([])
    const first = await server.send('GET', '/', { headers: { 'X-Request-Id': 'mine' } })
    const second = await server.send('GET', '/')
    expect(first.headers['x-request-id']).toMatch(/^[0-9a-hjkmnp-tv-z]{16}$/)
    expect(first.headers['x-request-id']).toBe((JSON.parse(first.body) as { id: string }).id)
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
  })
})
