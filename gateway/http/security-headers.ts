import type { Context, Middleware } from 'koa'

/** What one page may do beyond the rest of them. */
export interface PageLeave {
  /**
   * Registered addresses of one app that a POST of this page may end at: Chromium follows `form-action` along redirects
   * (DECISIONS 26). Only their origins are named.
   */
  readonly formTargets?: readonly string[]
  /** Registered addresses of apps that this page loads in frames. Only their origins are named. */
  readonly frames?: readonly string[]
  /** Keeps the tie to the window that opened this one: some apps sign people in in a pop-up and wait for it. */
  readonly opener?: boolean
}

/** Every power a page of ours does not use; passkeys only for ourselves. */
const permissions = [
  'publickey-credentials-get=(self)',
  'publickey-credentials-create=(self)',
  'camera=()',
  'display-capture=()',
  'geolocation=()',
  'microphone=()',
  'payment=()',
  'serial=()',
  'usb=()',
].join(', ')

/** A year, and subdomains too (ASVS 5.0 3.4.1). */
const strictTransport = 'max-age=31536000; includeSubDomains'

/**
 * Headers of every answer. They are the strict ones for a page; what may be cached or embedded says so itself.
 * `no-store` on everything else is what keeps the back button from showing a page after sign-out (N-187).
 */
export function securityHeaders(issuer: string): Middleware {
  const set = pageHeaders(issuer)
  return (ctx, next) => {
    set(ctx)
    return next()
  }
}

/** Sets them on one answer: for a page that is shown where pages usually are not. */
export function pageHeaders(issuer: string): (ctx: Context) => void {
  const headers = {
    'Content-Security-Policy': contentSecurityPolicy({}),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    // Not `no-referrer`: under that, browsers send `Origin: null` with our own forms, and the check of Origin would refuse them.
    'Referrer-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': permissions,
    'Cache-Control': 'no-store',
    ...(new URL(issuer).protocol === 'https:' ? { 'Strict-Transport-Security': strictTransport } : {}),
  }
  return (ctx) => ctx.set(headers)
}

/** Widens the headers for one page. `formTargets` and `frames` must come from a validated registration, never from the request. */
export function grantPage(ctx: Context, leave: PageLeave): void {
  if (leave.formTargets !== undefined || leave.frames !== undefined) {
    ctx.set('Content-Security-Policy', contentSecurityPolicy(leave))
  }
  if (leave.opener === true) ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none')
}

function contentSecurityPolicy({ formTargets = [], frames = [] }: PageLeave): string {
  const formSources = new Set(["'self'", ...formTargets.map(sourceOf)])
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action ${[...formSources].join(' ')}`,
    ...(frames.length === 0 ? [] : [`frame-src ${[...new Set(frames.map(sourceOf))].join(' ')}`]),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    // Our scripts write text, never markup; from now on they could not.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

/** A native app's address (RFC 8252 section 7.1) has no origin; its scheme is the narrowest source there is. */
function sourceOf(address: string): string {
  const { origin, protocol } = new URL(address)
  return origin === 'null' ? protocol : origin
}
