/**
 * Egress over HTTP/1.1.
 *
 * Owns: a bounded set of connection pools, and what may be asked of them. Relies on: egress-connect for where a connection may lead,
 * egress-exchange for the deadline and the size of an answer. Never: follows a redirect, uses a proxy, sends a `Host` other than the
 * URL's, decompresses, or lets an answer decide where to go next.
 */
import type { SecureContext } from 'node:tls'
import { Pool } from 'undici'
import type { Egress, EgressOutcome, EgressRequest } from '#gateway/kernel/egress.ts'
import { guardedConnector, type Resolve, resolveBySystem, secureContextOf } from './egress-connect.ts'
import { exchange } from './egress-exchange.ts'
import { InvalidTarget, reasonOf } from './egress-failure.ts'
import {
  createEgressPolicy,
  type EgressPolicy,
  type EgressRules,
  type OwnListener,
  type Target,
} from './egress-policy.ts'

export interface HttpEgressOptions extends EgressRules {
  /** PEM certificates to trust besides the system's. */
  readonly extraRoots?: readonly string[]
  readonly resolve?: Resolve
  /** Pools kept open; the one used longest ago is closed first. One app has one, so this is beyond most installations. */
  readonly maxPools?: number
}

/** Connections to one app: what the dispatcher may have in flight to it, and a few for what else asks. */
const connectionsPerPool = 8
const defaultMaxPools = 1_024

/** What a request may not say of itself: these belong to the connection, or would name another host (N-174). */
const ownHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The way out, until disposed. */
export class HttpEgress implements Egress, AsyncDisposable {
  readonly #policy: EgressPolicy
  readonly #secureContext: SecureContext
  readonly #resolve: Resolve
  readonly #maxPools: number
  /** In order of use, the one used longest ago first. */
  readonly #pools = new Map<string, Pool>()

  constructor(options: HttpEgressOptions) {
    this.#policy = createEgressPolicy(options)
    this.#secureContext = secureContextOf(options.extraRoots)
    this.#resolve = options.resolve ?? resolveBySystem
    this.#maxPools = options.maxPools ?? defaultMaxPools
  }

  /** Tells where the gateway itself listens, once it does: those are refused always. */
  refuseListeners(listeners: readonly OwnListener[]): void {
    this.#policy.refuseListeners(listeners)
  }

  async send({
    url: address,
    method,
    headers,
    body,
    timeoutMs,
    maxBytes,
    poolKey,
  }: EgressRequest): Promise<EgressOutcome> {
    let url: URL
    try {
      url = targetUrl(address)
    } catch (error) {
      return { kind: 'unreachable', ...reasonOf(error), durationMs: 0 }
    }
    return exchange(
      this.#poolFor(poolKey, url),
      { method, path: `${url.pathname}${url.search}`, headers: withoutOwn(headers), body: body ?? null },
      { timeoutMs, maxBytes },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  #poolFor(poolKey: string, url: URL): Pool {
    // The origin is part of the key: an app that moved gets connections to where it is now.
    const key = `${poolKey} ${url.origin}`
    const known = this.#pools.get(key)
    if (known !== undefined) {
      this.#pools.delete(key)
      this.#pools.set(key, known)
      return known
    }
    const pool = new Pool(url.origin, {
      connections: connectionsPerPool,
      connect: guardedConnector(targetOf(url), this.#policy, this.#resolve, this.#secureContext),
    })
    this.#pools.set(key, pool)
    for (const [oldest, idle] of this.#pools) {
      if (this.#pools.size <= this.#maxPools) break
      this.#pools.delete(oldest)
      // Lets what is in flight finish; nobody waits for it.
      idle.close().catch(() => {})
    }
    return pool
  }
}

/** Parsing makes `0x7f.1` and `2130706433` the address they mean, so a check never sees another spelling. */
function targetUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new InvalidTarget('not a URL')
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new InvalidTarget(`not http or https: ${url.protocol}`)
  if (url.username !== '' || url.password !== '')
    throw new InvalidTarget('a URL with a user name or password')
  return url
}

function targetOf(url: URL): Target {
  const secure = url.protocol === 'https:'
  const { hostname } = url
  return {
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
  }
}

function withoutOwn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const rest: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (!ownHeaders.has(name.toLowerCase())) rest[name] = value
  return rest
}
