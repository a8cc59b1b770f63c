/** A real little HTTP server on loopback that records what it receives and can be told to fail: what an app is to the dispatcher. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Behaviour =
  | { readonly answer: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Takes the request and never answers. */
  | 'hang'
  /** Takes the request and closes the connection. */
  | 'hang-up'
  /** Sends a status and half of the body it announced, and then nothing. */
  | 'stall'

export interface Receiver extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly received: readonly Received[]
  /** Connections ever accepted. */
  readonly connections: number
  /** Requests that were being answered at the same time, at most. */
  readonly mostAtOnce: number
  behave(behaviour: Behaviour): void
  /** Resolves once `count` requests have come in. */
  arrived(count: number): Promise<void>
}

export interface ReceiverOptions {
  readonly host?: string
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Listens on a free port; answers 200 until told otherwise. */
export async function openReceiver({ host = '127.0.0.1', tls }: ReceiverOptions = {}): Promise<Receiver> {
  const received: Received[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  let behaviour: Behaviour = { answer: 200 }
  let connections = 0
  let atOnce = 0
  let mostAtOnce = 0

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    atOnce++
    mostAtOnce = Math.max(mostAtOnce, atOnce)
    response.once('close', () => atOnce--)
    const body = await text(request)
    const { method = '', url: path = '', headers } = request
    received.push({ method, path, headers, body })
    for (const { count, resolve } of waiting) if (received.length >= count) resolve()
    respond(behaviour, response)
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // A caller that gives up while we read is part of what tests do.
    handle(request, response).catch(() => response.destroy())
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.on('connection', () => connections++)
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const hostPart = host.includes(':') ? `[${host}]` : host

  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://${hostPart}:${port}/logout`,
    received,
    get connections() {
      return connections
    },
    get mostAtOnce() {
      return mostAtOnce
    },
    behave: (next) => {
      behaviour = next
    },
    arrived: (count) =>
      received.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function respond(behaviour: Behaviour, response: ServerResponse): void {
  if (behaviour === 'hang') return
  if (behaviour === 'hang-up') {
    response.destroy()
    return
  }
  if (behaviour === 'stall') {
    response.writeHead(200, { 'content-length': '100' }).write('half')
    return
  }
  response.writeHead(behaviour.answer, behaviour.headers).end(behaviour.body)
}
