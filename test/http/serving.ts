import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import Koa, { type Middleware } from 'koa'
import { createListener } from '#gateway/http/listener.ts'
import type { Log, LogFields } from '#gateway/kernel/log.ts'

export interface Answer {
  readonly status: number
  /** Lower-case names; those sent more than once are joined by a line break. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Serving extends AsyncDisposable {
  readonly port: number
  /** Sends exactly these bytes and reads until the server closes or `idleMs` have passed without more. */
  raw(text: string): Promise<Answer>
  /** A well-formed HTTP/1.1 request that closes its connection. */
  send(
    method: string,
    path: string,
    options?: { headers?: Readonly<Record<string, string | readonly string[]>>; body?: string },
  ): Promise<Answer>
}

/** A real server with these middleware on a free loopback port. */
export async function serving(...middleware: readonly Middleware[]): Promise<Serving> {
  const app = new Koa()
  for (const one of middleware) app.use(one)
  app.silent = true
  const handle = app.callback()
  const server = createListener((req, res) => {
    handle(req, res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const raw = (text: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (chunk) => chunks.push(chunk))
      socket.on('close', () => resolve(parse(Buffer.concat(chunks).toString())))
      socket.on('error', (error) => (chunks.length > 0 ? undefined : reject(error)))
    })
  return {
    port,
    raw,
    send: (method, path, { headers = {}, body } = {}) => {
      const lines = [`${method} ${path} HTTP/1.1`, 'Connection: close']
      if (headers['Host'] === undefined) lines.push(`Host: localhost:${port}`)
      for (const [name, value] of Object.entries(headers)) {
        for (const one of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${one}`)
      }
      if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
      return raw(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** A log that can be read back. */
export function readableLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function parse(text: string): Answer {
  const split = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, split === -1 ? undefined : split).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    const value = line.slice(line.indexOf(':') + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}\n${value}`
  }
  return { status: Number(first.split(' ')[1]), headers, body: split === -1 ? '' : text.slice(split + 4) }
}
