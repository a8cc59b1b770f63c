import { describe, expect, test } from 'vitest'
import { routeClassOf } from '#gateway/http/metrics.ts'
import { createMetrics } from '#gateway/kernel/metrics.ts'
import { samplesOf } from './reading.ts'

describe('the text for Prometheus', () => {
  test('says of each number what it is, and of what kind', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'gatehouse_things_total', help: 'Things.', labels: ['kind'] })
    counter.add({ kind: 'small' })
    counter.add({ kind: 'small' }, 2)
    metrics.gauge({ name: 'gatehouse_level', help: 'How high.', labels: [] }, () => [
      { labels: {}, value: 0.5 },
    ])
    expect(await metrics.text()).toBe(
      [
        '# HELP gatehouse_things_total Things.',
        '# TYPE gatehouse_things_total counter',
        'gatehouse_things_total{kind="small"} 3',
        '# HELP gatehouse_level How high.',
        '# TYPE gatehouse_level gauge',
        'gatehouse_level 0.5',
        '',
      ].join('\n'),
    )
  })

  test('a histogram counts each observation in its bucket and in all above, and sums them up', async () => {
    const metrics = createMetrics()
    const histogram = metrics.histogram({
      name: 'gatehouse_wait_seconds',
      help: 'Waiting.',
      labels: ['at'],
      buckets: [0.1, 1],
    })
    for (const value of [0.1, 0.5, 7]) histogram.observe({ at: 'door' }, value)
    expect(Object.fromEntries(samplesOf(await metrics.text()))).toEqual({
      'gatehouse_wait_seconds_bucket{at="door",le="0.1"}': 1,
      'gatehouse_wait_seconds_bucket{at="door",le="1"}': 2,
      'gatehouse_wait_seconds_bucket{at="door",le="+Inf"}': 3,
      'gatehouse_wait_seconds_sum{at="door"}': 7.6,
      'gatehouse_wait_seconds_count{at="door"}': 3,
    })
  })

  test('a value cannot break out of its quotes', async () => {
    const metrics = createMetrics()
    metrics
      .counter({ name: 'gatehouse_odd_total', help: 'Two\nlines.', labels: ['value'] })
      .add({ value: 'a"b\\c\nd' })
    expect(await metrics.text()).toContain('# HELP gatehouse_odd_total Two\\nlines.\n')
    expect(await metrics.text()).toContain('gatehouse_odd_total{value="a\\"b\\\\c\\nd"} 1\n')
  })

  test('a label that has more values than anyone foresaw costs a bounded number of series', async () => {
    const metrics = createMetrics()
    const counter = metrics.counter({ name: 'gatehouse_wild_total', help: 'Wild.', labels: ['id'] })
    for (let id = 0; id < 2_000; id++) counter.add({ id: String(id) })
    const samples = samplesOf(await metrics.text())
    expect(samples.size).toBe(501)
    expect(samples.get('gatehouse_wild_total{id="other"}')).toBe(1_500)
  })

  test('a number that cannot be read is left out, and the others are there', async () => {
    const metrics = createMetrics()
    metrics.gauge({ name: 'gatehouse_lost', help: 'Lost.', labels: [] }, () =>
      Promise.reject(new Error('the store is away')),
    )
    metrics.gauge({ name: 'gatehouse_found', help: 'Found.', labels: [] }, () => [{ labels: {}, value: 1 }])
    expect([...samplesOf(await metrics.text()).keys()]).toEqual(['gatehouse_found'])
  })
})

describe('what a request is counted as', () => {
  test.for([
    ['/', 'home'],
    ['/?x=/oauth/token', 'home'],
    ['/oauth/token', 'oauth/token'],
    ['/oauth/authorize?client_id=wiki', 'oauth/authorize'],
    ['/oauth/authorize/1234567890', 'oauth/authorize'],
    ['/oauth/interaction/1234567890/finish', 'oauth/interaction'],
    ['/oauth/anything', 'other'],
    ['/.well-known/openid-configuration', 'well-known'],
    ['/sign-in/passkey/options', 'sign-in'],
    ['/sign-out/lgo_1', 'sign-out'],
    ['/sign-out/lgo_1/events', 'sign-out/events'],
    ['/set-up/a-secret', 'set-up'],
    ['/wp-login.php', 'other'],
    ['//evil', 'home'],
    ['*', 'home'],
  ] as const)('%s is %s', ([target, route]) => {
    expect(routeClassOf(target)).toBe(route)
  })
})
