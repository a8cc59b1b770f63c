/**
 * What is known of a request besides what it says: a name for it, and the address it came from.
 *
 * Owns: whom to believe about addresses (DECISIONS 44). Relies on: the socket, and `trusted_proxies`.
 * Never: the Host header. Nothing is built from it: every URL comes from the issuer (N-161).
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { Middleware } from 'koa'
import type { Random } from '../kernel/random.ts'

export interface RequestFacts {
  /** Names the request in the log, on error pages and in `X-Request-Id`. Ours always; a client's own is not taken over. */
  readonly id: string
  /** Address of the client, canonical: no IPv4 inside IPv6, lower case, shortest form. */
  readonly address: string
}

/** Kept by Node's request, because the OpenID Connect engine makes a Koa context of its own for the same one. */
const known = new WeakMap<IncomingMessage, RequestFacts>()

/** For what is done on behalf of a request and never sees it. What a commit sets off is not done on its behalf (kernel/transaction). */
const current = new AsyncLocalStorage<RequestFacts>()

/** A proxy in front of a proxy in front of …: more hops than this are nobody's real network. */
const maxHops = 32

/** Takes note of each request; goes before everything else. */
export function requestFacts(deps: {
  readonly random: Random
  /** CIDRs, as the configuration has validated them. */
  readonly trustedProxies: readonly string[]
}): Middleware {
  const trusted = blockListOf(deps.trustedProxies)
  return (ctx, next) => {
    const facts = { id: newRequestId(deps.random), address: clientAddress(ctx.req, trusted) }
    known.set(ctx.req, facts)
    ctx.set('X-Request-Id', facts.id)
    return current.run(facts, next)
  }
}

/** Id of the request on whose behalf this runs; undefined in the background and at the command line. */
export function currentRequestId(): string | undefined {
  return current.getStore()?.id
}

/** What `requestFacts` noted. A request that never passed there has the socket's address and no id. */
export function factsOf(req: IncomingMessage): RequestFacts {
  return known.get(req) ?? { id: 'none', address: canonicalAddress(req.socket.remoteAddress) ?? 'unknown' }
}

/** 80 bits in Crockford's base 32: unique enough for a log, short and plain enough to be read out over a telephone. */
function newRequestId(random: Random): string {
  let id = ''
  for (const byte of random.bytes(16)) id += alphabet.charAt(byte & 31)
  return id
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * Walks X-Forwarded-For from its end, which the nearest proxy wrote, as long as the one who wrote is trusted. The first address that
 * is not a trusted proxy is the client; whatever stands left of it the client may have invented (N-127, N-162).
 */
function clientAddress(req: IncomingMessage, trusted: BlockList): string {
  let address = canonicalAddress(req.socket.remoteAddress) ?? 'unknown'
  const header = req.headers['x-forwarded-for']
  if (header === undefined) return address
  const hops = (Array.isArray(header) ? header.join(',') : header).split(',').slice(-maxHops).reverse()
  for (const hop of hops) {
    if (!isIn(trusted, address)) return address
    const next = canonicalAddress(withoutPort(hop.trim()))
    // A proxy of ours that writes no address: the last one known is as far as the truth goes.
    if (next === undefined) return address
    address = next
  }
  return address
}

/** The one spelling of an address, so that limits by address cannot be passed by writing it another way. */
export function canonicalAddress(text: string | undefined): string | undefined {
  // `isIP` first: ipaddr.js also reads `0x7f.1` and `127.1`, which no proxy writes.
  if (text === undefined || isIP(text) === 0) return undefined
  const [bare = text] = text.split('%')
  return ipaddr.process(bare).toString()
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop)
  if (bracketed !== null) return bracketed[1] ?? hop
  return /^[0-9.]+:\d{1,5}$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
  }
  return list
}

function isIn(list: BlockList, address: string): boolean {
  const version = isIP(address)
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
}
