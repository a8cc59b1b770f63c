import type { App } from '#gateway/apps/app.ts'
import { type ClientMetadata, metadataDefaults } from '#gateway/apps/client-metadata.ts'
import type { AppRules } from '#gateway/apps/rules.ts'
import { digest } from '#gateway/kernel/digest.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { startOfTime } from '#test/support/manual-clock.ts'

export const wikiSecret = 'the-secret-of-the-wiki-app-0123456789'

/** An acceptable app with a secret; `change` makes it another one. */
export function anApp(change: Partial<App> = {}, metadata: Partial<ClientMetadata> = {}): App {
  return {
    id: 'wiki' as AppId,
    name: 'Wiki',
    launchUrl: 'http://127.0.0.1:4001/',
    firstParty: true,
    access: { kind: 'everyone' },
    state: 'enabled',
    fileOwned: false,
    sessions: {},
    logout: { causes: 'all', appSignsOut: 'everywhere' },
    oidc: {
      clientId: change.id ?? 'wiki',
      secretHash: digest(wikiSecret),
      metadata: { ...metadataDefaults, redirect_uris: ['http://127.0.0.1:4001/callback'], ...metadata },
    },
    createdAt: startOfTime,
    updatedAt: startOfTime,
    ...change,
  }
}

/** A gateway on loopback with the default limits. */
export const someRules: AppRules = {
  allowsPlainHttp: (url) => ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname),
  acrs: ['urn:gatehouse:acr:1', 'urn:gatehouse:acr:2', 'phr'],
  idleMs: 8 * 3_600_000,
  absoluteMs: 24 * 3_600_000,
}
