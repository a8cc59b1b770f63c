import { describe, expect, it } from 'vitest'
import { serving } from './serving.ts'

const ok = (ctx: { body: unknown }): void => {
  ctx.body = 'ok'
}

describe('what never becomes a request', () => {
  it('N-201: more headers than fit is 431', async () => {
    await using server = await serving(ok)
    const answer = await server.send('GET', '/', { headers: { Cookie: 'x'.repeat(40_000) } })
    expect(answer.status).toBe(431)
  })

  it.each([
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['no HTTP', 'hello\r\n\r\n'],
    ['a bare line feed in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\nX: c\r\n\r\n'],
  ])('N-165: %s is 400', async (_title, bytes) => {
    await using server = await serving(ok)
    expect((await server.raw(bytes)).status).toBe(400)
  })

  it('does not take the server down', async () => {
    await using server = await serving(ok)
    await server.raw('nonsense\r\n\r\n')
    expect((await server.send('GET', '/')).body).toBe('ok')
  })
})
