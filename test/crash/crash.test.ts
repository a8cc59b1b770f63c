import { describe, expect, test } from 'vitest'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { crashAt, type Moment } from './point.ts'

/** More, and random ones: `npm run test:crash -- 200`. */
const moments: readonly Moment[] = [
  { after: 'sending', ms: 0 },
  { after: 'sending', ms: 6 },
  { after: 'answer', ms: 0 },
  { after: 'answer', ms: 40 },
  { after: 'answer', ms: 120 },
  { after: 'answer', ms: 600 },
]

describe('kill -9 while a sign-out fans out', () => {
  test('loses no acknowledged end and no delivery, and leaves nothing half done', {
    timeout: 120_000,
  }, async () => {
    const results = await Promise.all(moments.map((moment) => crashAt(moment, createSeededRandom('crash'))))
    for (const result of results) expect(result).toMatchObject({ broken: [] })
    expect(results.filter(({ acknowledged }) => acknowledged).length).toBeGreaterThanOrEqual(4)
    expect(results.filter(({ stage }) => stage === 'while telling apps').length).toBeGreaterThanOrEqual(1)
  })

  test('loses nothing of what the browser has to tell, or of hundreds of sessions that another process ends', {
    timeout: 120_000,
  }, async () => {
    const random = createSeededRandom('crash')
    const results = await Promise.all([
      crashAt({ after: 'answer', ms: 0 }, random, 'journey'),
      crashAt({ after: 'answer', ms: 40 }, random, 'journey'),
      crashAt({ after: 'answer', ms: 0 }, random, 'job'),
      crashAt({ after: 'answer', ms: 200 }, random, 'job'),
    ])
    for (const result of results) expect(result).toMatchObject({ acknowledged: true, broken: [] })
  })
})
