/**
 * What the gateway counts of its own requests, and the listener on which operators' monitoring reads all counts.
 *
 * Never: the two on one address. Numbers tell how much a company works and when, so they have a listener of their own.
 */
import type { RequestListener } from 'node:http'
import { secondMs } from '../kernel/clock.ts'
import type { Counter, Histogram, Metrics } from '../kernel/metrics.ts'

/** From an answer out of memory to a request that waited for the database. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface RequestMeter {
  readonly requests: Counter<'route' | 'status'>
  readonly seconds: Histogram<'route'>
}

/** Adds what is counted of requests to `metrics`. */
export function createRequestMeter(metrics: Metrics): RequestMeter {
  return {
    requests: metrics.counter({
      name: 'gatehouse_http_requests_total',
      help: 'Requests by what they were for and how they were answered; "aborted" when the client did not wait.',
      labels: ['route', 'status'],
    }),
    seconds: metrics.histogram({
      name: 'gatehouse_http_request_duration_seconds',
      help: 'From the first line of a request to the last byte of its answer.',
      labels: ['route'],
      buckets: requestBuckets,
    }),
  }
}

/** Counts each request that `handle` answers. */
export function measured(meter: RequestMeter, handle: RequestListener): RequestListener {
  return (req, res) => {
    const began = performance.now()
    const route = routeClassOf(req.url ?? '')
    res.once('close', () => {
      const status = res.writableFinished ? String(res.statusCode) : 'aborted'
      meter.requests.add({ route, status })
      meter.seconds.observe({ route }, (performance.now() - began) / secondMs)
    })
    handle(req, res)
  }
}

/** The first part of a path, where it names something of ours. */
const parts: ReadonlySet<string> = new Set([
  'account',
  'assets',
  'consent',
  'healthz',
  'readyz',
  'set-up',
  'sign-in',
  'sign-out',
])
const oauthParts: ReadonlySet<string> = new Set([
  'authorize',
  'end-session',
  'interaction',
  'introspect',
  'jwks',
  'par',
  'revoke',
  'token',
  'userinfo',
])

/** What a request is for, in one of about 20 words; what a path holds beyond that is an id, or anybody's invention. */
export function routeClassOf(target: string): string {
  const [path = ''] = target.split('?', 1)
  const [, first = '', second = '', third] = path.split('/', 4)
  if (first === '') return 'home'
  if (first === 'oauth') return oauthParts.has(second) ? `oauth/${second}` : 'other'
  if (first === '.well-known') return 'well-known'
  // Open for as long as somebody watches: its duration says nothing about the page beside it.
  if (first === 'sign-out' && third === 'events') return 'sign-out/events'
  return parts.has(first) ? first : 'other'
}

/** `GET /metrics`, and nothing else. */
export function createMetricsHandler(metrics: Pick<Metrics, 'text'>): RequestListener {
  let reading: Promise<string> | undefined
  /** Whoever asks while numbers are being read gets the same: any number of readers cost what one does. */
  const read = (): Promise<string> => {
    reading ??= metrics.text().finally(() => {
      reading = undefined
    })
    return reading
  }
  return (req, res) => {
    const [path] = (req.url ?? '').split('?', 1)
    if (path !== '/metrics') {
      res.writeHead(404).end()
      return
    }
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    read().then(
      (text) =>
        res
          .writeHead(200, {
            'content-type': 'text/plain; version=0.0.4; charset=utf-8',
            'cache-control': 'no-store',
            'x-content-type-options': 'nosniff',
          })
          .end(req.method === 'HEAD' ? undefined : text),
      () => res.writeHead(500).end(),
    )
  }
}
