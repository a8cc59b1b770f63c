import type { Provider } from 'oidc-provider'
import type { App } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Log } from '../kernel/log.ts'
import { allowedScopes } from './grants.ts'
import { compileClient, type EngineClient } from './internals.ts'

/** Apps as the engine sees them: compiled once per change of the app. Disabled apps are no clients at all (N-061). */
export function createClients(apps: AppRegistry, log: Log, provider: () => Provider) {
  const compiled = new Map<string, { readonly app: App; readonly client: EngineClient | undefined }>()
  return {
    find: (clientId: string): EngineClient | undefined => {
      const app = apps.findByClientId(clientId)
      if (app === undefined || app.state === 'disabled') {
        compiled.delete(clientId)
        return undefined
      }
      const known = compiled.get(clientId)
      if (known?.app === app) return known.client
      const client = compile(app)
      compiled.set(clientId, { app, client })
      return client
    },
  }

  function compile(app: App): EngineClient | undefined {
    try {
      return compileClient(provider(), clientMetadata(app))
    } catch (error) {
      // One app's record must never take the others down with it.
      log.error('the OpenID Connect engine refuses the metadata of an app', {
        appId: app.id,
        reason:
          error instanceof Error && 'error_description' in error ? error.error_description : String(error),
      })
      return undefined
    }
  }
}

/** The app under the standard names. What stands for the secret is its SHA-256: the engine only hands it back to our comparison. */
export function clientMetadata(app: App): Record<string, unknown> {
  const { clientId, secretHash, metadata } = app.oidc
  // The engine knows nothing of the front channel; it is ours (oidc/front-channel.ts).
  const { frontchannel_logout_uri: _, frontchannel_logout_session_required: __, ...known } = metadata
  return {
    ...known,
    client_id: clientId,
    client_name: app.name,
    scope: allowedScopes(app).join(' '),
    ...(secretHash === undefined ? {} : { client_secret: secretHash }),
  }
}
