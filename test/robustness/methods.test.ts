import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PortalDeps } from '#gateway/portal/deps.ts'
import { createPortalRouter } from '#gateway/portal/portal.ts'
import { rawRequest, sendRaw, statusOf } from '#test/attacks/attacker.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { addresses } from './addresses.ts'

const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
  'M-SEARCH',
]

describe('every address and every method', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway()
    return () => gateway[Symbol.asyncDispose]()
  })

  test('these are all the addresses that the portal has', () => {
    /** Only its paths are looked at. */
    const router = createPortalRouter({ issuer: 'http://localhost' } as PortalDeps)
    const known = addresses.map(({ path }) => path)
    const unknown = router.stack.filter(({ regexp }) => !known.some((path) => regexp.test(path)))
    expect(unknown.map(({ path }) => path)).toEqual([])
  })

  test.for(addresses)(
    '$path says which methods it takes to whoever comes with another',
    async ({ path, methods: taken }) => {
      for (const method of methods.filter((each) => !taken.includes(each))) {
        const answer = await sendRaw(
          gateway.port,
          rawRequest([`${method} ${path} HTTP/1.1`, `Host: localhost:${gateway.port}`, 'Content-Length: 0']),
        )
        const allow = /^Allow: (.*)$/im.exec(answer)?.[1]?.trim().split(', ') ?? []
        // Asking what is allowed may be answered as well (RFC 9110 section 9.3.7).
        const status = method === 'OPTIONS' && statusOf(answer) === 200 ? 405 : statusOf(answer)
        expect([method, status, [...allow].sort()]).toEqual([method, 405, [...taken].sort()])
        expect(answer).not.toMatch(/^Set-Cookie/im)
      }
    },
  )

  test.for(addresses)(
    '$path never fails on a request without anything, by any method it takes',
    async ({ path, methods: taken }) => {
      for (const method of taken) {
        const answer = await sendRaw(
          gateway.port,
          rawRequest([`${method} ${path} HTTP/1.1`, `Host: localhost:${gateway.port}`, 'Content-Length: 0']),
        )
        expect([method, statusOf(answer)]).toEqual([
          method,
          expect.toSatisfy((status) => status >= 200 && status < 500),
        ])
      }
    },
  )

  afterAll(() => {
    expect(gateway.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })
})
