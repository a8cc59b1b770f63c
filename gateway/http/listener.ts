/**
 * The HTTP server itself, with every limit written out: what a client may send before any code of ours has looked at it.
 */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { secondMs } from '../kernel/clock.ts'

const limits = {
  /** Cookies of every app on the host and a long authorization request fit; a header bomb does not. */
  maxHeaderSize: 16 * 1024,
  /** All headers, from the first byte on. */
  headersTimeout: 10 * secondMs,
  /** The whole request; bodies have their own, shorter limit. */
  requestTimeout: 30 * secondMs,
  /** Longer than the idle limit of the usual proxies (60 s), so that it is never we who close under a request of theirs. */
  keepAliveTimeout: 65 * secondMs,
  /** How often the timeouts above are looked at. */
  connectionsCheckingInterval: 2 * secondMs,
  /** Two readers of one message are how smuggling works (N-165): what is not exactly HTTP is refused. */
  insecureHTTPParser: false,
  /** HTTP/1.1 asks for a Host (RFC 9112 section 3.2), though nothing is built from it. */
  requireHostHeader: true,
} satisfies ServerOptions

/** Far above any browser's, far below what fills memory. */
const maxHeaders = 100

/** Makes the server. It is not listening yet. `tls` in PEM where the gateway ends TLS itself. */
export function createListener(
  handle: RequestListener,
  tls?: { readonly cert: string; readonly key: string },
): Server {
  const server =
    tls === undefined
      ? createServer(limits, handle)
      : createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.2' }, handle)
  server.maxHeadersCount = maxHeaders
  server.on('clientError', answerBroken)
  return server
}

/** For what never became a request: an answer when one can still be written, and the end of the connection either way. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  socket.end(`HTTP/1.1 ${statusLine(error.code)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function statusLine(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}
