/**
 * Where an app may send a person after a sign-out (OpenID Connect RP-Initiated Logout 1.0 section 3). Pure.
 *
 * Asked when the app asks, and once more when the browser goes: a sign-out is carried through a browser for minutes and shown for a day,
 * and meanwhile the app may have been disabled, or an address taken from it because it is somebody else's now.
 */
import type { AppId } from '../kernel/ids.ts'
import type { App } from './app.ts'
import type { AppRegistry } from './registry.ts'

/** The registered address, with `state` as it came, and only where it came. */
export function withState(registered: string, state: string | undefined): string {
  if (state === undefined) return registered
  const url = new URL(registered)
  url.searchParams.set('state', state)
  return url.href
}

/**
 * The address when it is a path of ours, or one that an enabled app has registered at this moment: this app where it is known which one
 * asked. Undefined when nobody may be sent there any more.
 */
export function stillLeadsTo(
  apps: Pick<AppRegistry, 'find' | 'list'>,
  { appId, continueTo }: { readonly appId?: AppId; readonly continueTo?: string },
): string | undefined {
  if (continueTo === undefined || isOwnPath(continueTo)) return continueTo
  const known = appId === undefined ? apps.list() : [apps.find(appId)]
  return known.some((app) => app !== undefined && isRegistered(app, continueTo)) ? continueTo : undefined
}

function isOwnPath(address: string): boolean {
  return address.startsWith('/') && !address.startsWith('//')
}

function isRegistered({ state, removedAt, oidc }: App, address: string): boolean {
  if (state !== 'enabled' || removedAt !== undefined) return false
  const carried = URL.parse(address)?.searchParams.get('state') ?? undefined
  return oidc.metadata.post_logout_redirect_uris.some(
    (registered) =>
      registered === address || (carried !== undefined && withState(registered, carried) === address),
  )
}
