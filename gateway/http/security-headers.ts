import type { Context, Middleware } from 'koa'

/** What one page may do beyond the rest of them. */
export interface PageLeave {
  /** One validated origin that a POST of this page may end at: Chromium follows `form-action` along redirects (DECISIONS 26). */
  readonly formTarget?: string | undefined
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
  const secure = new URL(issuer).protocol === 'https:'
  return (ctx, next) => {
    ctx.set({
      'Content-Security-Policy': contentSecurityPolicy(undefined),
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      // Not `no-referrer`: under that, browsers send `Origin: null` with our own forms, and the check of Origin would refuse them.
      'Referrer-Policy': 'same-origin',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': permissions,
      'Cache-Control': 'no-store',
    })
    if (secure) ctx.set('Strict-Transport-Security', strictTransport)
    return next()
  }
}

/** Widens the headers for one page. `formTarget` must come from a validated registration, never from the request. */
export function grantPage(ctx: Context, leave: PageLeave): void {
  if (leave.formTarget !== undefined) {
    ctx.set('Content-Security-Policy', contentSecurityPolicy(new URL(leave.formTarget)))
  }
  if (leave.opener === true) ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none')
}

function contentSecurityPolicy(formTarget: URL | undefined): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action 'self'${formTarget === undefined ? '' : ` ${sourceOf(formTarget)}`}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

/** A native app's address (RFC 8252 section 7.1) has no origin; its scheme is the narrowest source there is. */
function sourceOf(target: URL): string {
  return target.origin === 'null' ? target.protocol : target.origin
}
