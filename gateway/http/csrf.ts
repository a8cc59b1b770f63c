import { keyedDigest, sameSecret } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'

/** Proof that a form came from a page that we gave to this browser. */
export interface Csrf {
  /**
   * The token for a browser and a purpose. Derived, not stored: it works before anyone has signed in. `purpose` keeps a page of one
   * session from acting in the next one of the same browser.
   */
  token(browser: string, purpose: string): string
  /** Throws `csrf_token_invalid` unless `token` is the one for this browser and purpose. */
  check(browser: string | undefined, purpose: string, token: string | undefined): void
}

/** `key` is the server's own; the browser's half is its HttpOnly binding cookie, which no other site can read or set. */
export function createCsrf(key: Uint8Array): Csrf {
  // A browser secret holds no line break, so the two halves cannot run into one another.
  const tokenFor = (browser: string, purpose: string): string =>
    keyedDigest(key, `csrf\n${browser}\n${purpose}`)
  return {
    token: tokenFor,
    check(browser, purpose, token) {
      if (browser !== undefined && token !== undefined && sameSecret(token, tokenFor(browser, purpose))) {
        return
      }
      throw new GatewayError(
        'csrf_token_invalid',
        'This page is no longer valid in this browser. Go back, reload it, and try again.',
      )
    },
  }
}
