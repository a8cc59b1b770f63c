/**
 * The cookies of the gateway.
 *
 * Owns: their names and attributes. Both follow the issuer and never the request (DECISIONS 6): the cookie library of Koa asks
 * the connection whether it is secure, which behind a proxy that ends TLS is the wrong question.
 * Never: takes a value that is not ours in form, or one of two that claim to be ours.
 */
import type { Context } from 'koa'
import { dayMs } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { newSecret, type Random } from '../kernel/random.ts'

export interface CookieNames {
  /** The secret of the SsoSession. */
  readonly session: string
  /** A random secret that tells this browser from every other one, signed in or not. */
  readonly browser: string
  /** Of the OpenID Connect engine; these carry a Path, which `__Host-` forbids. */
  readonly interaction: string
  readonly resume: string
}

export interface Cookies {
  readonly names: CookieNames
  /** True where every cookie is Secure: the issuer is https. */
  readonly secure: boolean
  /** The session secret that the browser shows, when it shows exactly one that is well-formed. */
  readSession(ctx: Context): string | undefined
  /** For `lifetimeSeconds` where the session is remembered; otherwise until the browser closes. */
  setSession(ctx: Context, secret: string, lifetimeSeconds: number | undefined): void
  clearSession(ctx: Context): void
  readBrowser(ctx: Context): string | undefined
  /** The browser's binding secret; a browser without one gets one with this answer. */
  ensureBrowser(ctx: Context): string
}

/** What browsers keep at most (RFC 6265bis section 5.5). */
const browserLifeSeconds = (400 * dayMs) / 1_000

/** 32 bytes in base64url. Anything else in a cookie of ours did not come from us. */
const wellFormed = /^[A-Za-z0-9_-]{43}$/

/** Names for an issuer. Ports do not separate cookies, so on loopback the port is part of the name. */
export function cookieNames(issuer: string): CookieNames {
  const { protocol, port } = new URL(issuer)
  if (protocol === 'https:') {
    return {
      session: '__Host-gatehouse',
      browser: '__Host-gatehouse-browser',
      interaction: '__Secure-gatehouse-interaction',
      resume: '__Secure-gatehouse-resume',
    }
  }
  const base = `gatehouse-${port === '' ? '80' : port}`
  return {
    session: base,
    browser: `${base}-browser`,
    interaction: `${base}-interaction`,
    resume: `${base}-resume`,
  }
}

/** Creates the reader and writer of our cookies. */
export function createCookies(deps: {
  readonly issuer: string
  readonly random: Random
  readonly log: Log
}): Cookies {
  const { random, log } = deps
  const names = cookieNames(deps.issuer)
  const secure = new URL(deps.issuer).protocol === 'https:'
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  /** Two cookies of one name are logged once a request, however often they are read. */
  const reported = new WeakSet<object>()
  /** A browser secret that this answer sets is the browser's already, for whatever else the request does. */
  const fresh = new WeakMap<object, string>()

  function read(ctx: Context, name: string): string | undefined {
    const values = cookieValues(ctx.req.headers.cookie, name)
    if (values.length > 1) {
      // Planted by a sibling site, or a smuggled header: which one is ours cannot be known, so none is (N-165, N-188).
      if (!reported.has(ctx.req))
        log.warn('more than one cookie of the same name was sent; none is used', { name })
      reported.add(ctx.req)
      return undefined
    }
    const [value] = values
    return value !== undefined && wellFormed.test(value) ? value : undefined
  }

  function write(ctx: Context, name: string, value: string, maxAgeSeconds: number | undefined): void {
    const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`
    // The last word on a cookie is the only one: a browser may apply two of one name in either order.
    const others = setCookieHeaders(ctx).filter((header) => !header.startsWith(`${name}=`))
    ctx.res.setHeader('Set-Cookie', [...others, `${name}=${value}${attributes}${age}`])
  }

  return {
    names,
    secure,
    readSession: (ctx) => read(ctx, names.session),
    setSession: (ctx, secret, lifetimeSeconds) => write(ctx, names.session, secret, lifetimeSeconds),
    clearSession: (ctx) => write(ctx, names.session, '', 0),
    readBrowser: (ctx) => fresh.get(ctx.req) ?? read(ctx, names.browser),
    ensureBrowser(ctx) {
      const known = fresh.get(ctx.req) ?? read(ctx, names.browser)
      if (known !== undefined) return known
      const secret = newSecret(random)
      fresh.set(ctx.req, secret)
      write(ctx, names.browser, secret, browserLifeSeconds)
      return secret
    },
  }
}

/** Every value sent under `name`. Node joins several Cookie headers into one, so this sees them all. */
function cookieValues(header: string | undefined, name: string): readonly string[] {
  const values: string[] = []
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim())
  }
  return values
}

function setCookieHeaders(ctx: Context): readonly string[] {
  const header = ctx.res.getHeader('Set-Cookie')
  if (Array.isArray(header)) return header
  return typeof header === 'string' ? [header] : []
}
