import type { AppRegistry } from '../apps/registry.ts'
import type { BrowserMessenger } from '../logout/messenger.ts'

/**
 * Tells OpenID Connect apps through the browser that a session has ended (OpenID Connect Front-Channel Logout 1.0).
 *
 * Owns: the address that is framed. Section 2: `iss` and `sid` come together, added to whatever query the registered address has, so that
 * an app ends the one session and not whichever its cookie opens by now.
 */
export function createBrowserMessenger(deps: {
  readonly issuer: string
  readonly apps: Pick<AppRegistry, 'find'>
}): BrowserMessenger {
  return {
    frameOf: ({ appId, sid }) => {
      const registered = deps.apps.find(appId)?.oidc.metadata.frontchannel_logout_uri
      if (registered === undefined) return undefined
      const query = new URLSearchParams({ iss: deps.issuer, sid })
      // By hand: a URL object would write the app's own query anew, in its own spelling.
      return `${registered}${registered.includes('?') ? '&' : '?'}${query}`
    },
  }
}
