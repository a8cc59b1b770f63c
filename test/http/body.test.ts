import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseForm, parseJson, readForm, readJson } from '#gateway/http/body.ts'
import { problems } from '#gateway/http/problems.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import { readableLog, serving } from './serving.ts'

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const json = { 'Content-Type': 'application/json' }

function reading() {
  return serving(problems({ log: readableLog(), render: () => '' }), async (ctx) => {
    ctx.body = ctx.path === '/form' ? Object.fromEntries(await readForm(ctx)) : { got: await readJson(ctx) }
  })
}

describe('a posted form', () => {
  it('is read with its fields decoded', async () => {
    await using server = await reading()
    const { body } = await server.send('POST', '/form', {
      headers: form,
      body: 'email=ada%40x.test&name=A+B&empty=',
    })
    expect(JSON.parse(body)).toEqual({ email: 'ada@x.test', name: 'A B', empty: '' })
  })

  it.each([
    ['a field that comes twice', 'a=1&a=2'],
    ['a field that comes twice, once encoded', 'a=1&%61=2'],
    ['a name that reaches into prototypes (N-203)', '__proto__=1'],
    ['a broken percent escape', 'a=%zz'],
    ['bytes that are not UTF-8', 'a=%ff'],
    ['a NUL', 'a=%00'],
    ['a field without a name', '=1'],
    ['more fields than any form has', Array.from({ length: 101 }, (_, index) => `f${index}=`).join('&')],
  ])('is refused for %s', async (_title, body) => {
    await using server = await reading()
    expect((await server.send('POST', '/form', { headers: form, body })).status).toBe(400)
  })

  it.each([
    ['text/plain'],
    ['multipart/form-data; boundary=x'],
    ['application/x-www-form-urlencoded; charset=utf-16'],
    ['application/x-www-form-urlencoded, text/plain'],
    [''],
  ])('is refused as %j', async (type) => {
    await using server = await reading()
    expect(
      (await server.send('POST', '/form', { headers: { 'Content-Type': type }, body: 'a=1' })).status,
    ).toBe(400)
  })

  it('is refused compressed, because what it expands to is not bounded', async () => {
    await using server = await reading()
    const headers = { ...form, 'Content-Encoding': 'gzip' }
    expect((await server.send('POST', '/form', { headers, body: 'a=1' })).status).toBe(400)
  })

  it('N-201: never fails with anything but our own refusal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        try {
          parseForm(text)
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
        }
      }),
    )
  })
})

describe('posted JSON', () => {
  it('is read', async () => {
    await using server = await reading()
    const headers = { 'Content-Type': 'application/json; charset=utf-8' }
    const { body } = await server.send('POST', '/json', { headers, body: '{"a":["ü"]}' })
    expect(JSON.parse(body)).toEqual({ got: { a: ['ü'] } })
  })

  it.each([
    ['nothing', ''],
    ['half of it', '{"a":'],
    ['a prototype, written plainly (N-203)', '{"a":{"__proto__":{"admin":true}}}'],
    ['a prototype, written in escapes (N-203)', '{"\\u005f_proto__":1}'],
    ['a constructor (N-203)', '{"constructor":{"prototype":{}}}'],
    ['thirty thousand levels', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ])('is refused for %s', async (_title, body) => {
    await using server = await reading()
    expect((await server.send('POST', '/json', { headers: json, body })).status).toBe(400)
  })

  it('is refused when it comes as text/plain, which a form of another site could send (N-181)', async () => {
    await using server = await reading()
    const headers = { 'Content-Type': 'text/plain' }
    expect((await server.send('POST', '/json', { headers, body: '{}' })).status).toBe(400)
  })

  it('N-201: never fails with anything but our own refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ maxLength: 300 })), (text) => {
        try {
          parseJson(text)
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
        }
      }),
    )
  })
})

describe('the size and time of a body', () => {
  const big = 'a='.padEnd(70_000, 'x')

  it('is 413 by its announced length, before it is read', async () => {
    await using server = await reading()
    const answer = await server.raw(
      'POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000000\r\n\r\na=1',
    )
    expect(answer.status).toBe(413)
    expect(answer.headers['connection']).toBe('close')
  })

  it('is 413 by what came, when no length was announced', async () => {
    await using server = await reading()
    const answer = await server.raw(
      `POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`,
    )
    expect(answer.status).toBe(413)
  })

  it('is readable to the client even when all of it was sent first', async () => {
    await using server = await reading()
    expect(
      (await server.send('POST', '/form', { headers: form, body: 'a='.padEnd(2_000_000, 'x') })).status,
    ).toBe(413)
  })

  // That the bound is ten seconds is seen by the front door, in test/robustness.
  it('ends in time, however slowly it drips', async () => {
    await using server = await serving(problems({ log: readableLog(), render: () => '' }), async (ctx) => {
      ctx.body = Object.fromEntries(await readForm(ctx, 50))
    })
    const answer = await server.raw(
      'POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=1',
    )
    expect(answer.status).toBe(400)
  })
})
