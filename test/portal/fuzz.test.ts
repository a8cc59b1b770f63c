import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startPortal } from './portal.ts'
import { csrfOf } from './visitor.ts'

/** Bytes that a client may put anywhere, and pieces that mean something to some parser. */
const piece = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 20 }),
  fc.constantFrom(
    '%00',
    '%zz',
    '%E0%A4%A',
    '..',
    '//',
    '/./',
    '\\',
    '?',
    '#',
    ';',
    '%2f',
    '__proto__',
    '[]',
    '💥',
  ),
)
const path = fc
  .array(
    fc.oneof(piece, fc.constantFrom('/account', '/sign-in', '/sign-out', '/set-up', '/passkey', '/end')),
    {
      maxLength: 6,
    },
  )
  // fetch sends what a browser would: control characters and the like percent-encoded.
  .map((pieces) => new URL(`http://h/${pieces.join('/').replaceAll('\\', '%5c')}`, 'http://h'))
  .map(({ pathname, search }) => `${pathname}${search}`)

describe('N-201, N-205: whatever is asked', () => {
  it('the answer is never a failure of ours, and the process lives', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const csrf = csrfOf(await browser.open('/account'))
    const statuses = new Set<number>()
    await fc.assert(
      fc.asyncProperty(path, piece, fc.constantFrom('get', 'form', 'json'), async (asked, text, how) => {
        const answer =
          how === 'get'
            ? await browser.get(asked, { Accept: text.replace(/[^\x20-\x7e]/g, '') })
            : how === 'form'
              ? await browser.post(asked, { csrf, attempt: text, request: text, name: text })
              : await browser.json(asked, { attempt: text, credential: { id: text } }, { 'X-CSRF': csrf })
        statuses.add(answer.status)
        expect(answer.status).toBeLessThan(500)
        expect(answer.text).not.toContain('💥')
      }),
      { numRuns: 1_000 },
    )
    expect(statuses.size).toBeGreaterThan(2)
    expect((await browser.get('/healthz')).status).toBe(200)
    expect(portal.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })
})
