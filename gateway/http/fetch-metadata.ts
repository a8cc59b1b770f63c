import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '../kernel/errors.ts'

/**
 * Throws `cross_site_request` when a browser says that a page of another site made this request (DECISIONS 50, N-181).
 * For everything that changes state behind our own pages; it comes before the token and does not replace it.
 */
export function requireOwnPage(headers: IncomingHttpHeaders, issuer: string): void {
  const site = headers['sec-fetch-site']
  const { origin } = headers
  // 1. An Origin that is not ours, `null` among them: a sandboxed frame, a data: page, or a name that was rebound to our address.
  if (origin !== undefined && origin !== issuer) refuse()
  // 2. The browser's own word. `none` is the person: an address typed, a page reloaded. `same-site` is a neighbour, and refused.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') refuse()
  // 3. Neither header: not a browser of this decade, so no one's page is being abused. The token still has to be right.
}

function refuse(): never {
  throw new GatewayError(
    'cross_site_request',
    'This request came from another site, so it was not carried out.',
  )
}
