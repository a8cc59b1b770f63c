/**
 * Composing, for those who give commands: operators at the command line, people on their account page, and the configuration file.
 */
import { isAllowedByEgress, isLoopbackHost } from '#config/networks.ts'
import { type AccountCommands, createAccountCommands } from './administration/accounts.ts'
import { type ApiKeyCommands, createApiKeyCommands } from './administration/api-keys.ts'
import { type AppCheckCommand, createAppCheckCommand } from './administration/app-check.ts'
import { type AppCommands, createAppCommands } from './administration/apps.ts'
import { applyDeclared } from './administration/declared.ts'
import { createDeliveryCommands, type DeliveryCommands } from './administration/deliveries.ts'
import { createOwnAccount, type OwnAccount } from './administration/own-account.ts'
import { createSessionCommands, type SessionCommands } from './administration/sessions.ts'
import type { AppRules } from './apps/rules.ts'
import type { Core } from './compose-core.ts'
import { requestableAcrs } from './sessions/assurance.ts'
import { createThrottle } from './sign-in/throttle.ts'

export interface Commands {
  readonly accounts: AccountCommands
  readonly apps: AppCommands
  readonly checkApp: AppCheckCommand
  readonly sessions: SessionCommands
  readonly deliveries: DeliveryCommands
  readonly apiKeys: ApiKeyCommands
  readonly ownAccount: OwnAccount
  /** Applies the apps and accounts of the configuration file. At each start, before the first request. */
  applyDeclared(): Promise<{ readonly apps: number; readonly accounts: number }>
}

/** Creates the commands over the core. */
export function createCommands(core: Core): Commands {
  const { config, stores } = core
  const shared = {
    ...core,
    audit: core.audit.append,
    append: core.audit.append,
    accounts: stores.accounts,
    apiKeys: stores.apiKeys,
  }
  const rules: AppRules = {
    allowsPlainHttp: (url) => isLoopbackHost(url.hostname) || isAllowedByEgress(url, config.egress.allow),
    acrs: requestableAcrs,
    idleMs: config.sessions.idleMs,
    absoluteMs: config.sessions.absoluteMs,
  }
  const apps = { ...shared, store: stores.apps, registry: core.apps, rules }
  return {
    accounts: createAccountCommands({ ...shared, credentials: stores.credentials }),
    apps: createAppCommands(apps),
    checkApp: createAppCheckCommand(shared),
    sessions: createSessionCommands({ ...shared, sessions: stores.sessions }),
    deliveries: createDeliveryCommands({
      ...shared,
      logouts: stores.logouts,
      health: stores.health,
      retryForMs: config.logout.retryForMs,
      wake: () => core.dispatcher.wake(),
    }),
    apiKeys: createApiKeyCommands(shared),
    ownAccount: createOwnAccount({
      ...shared,
      sessions: stores.sessions,
      registry: core.sessions,
      throttle: createThrottle(core),
    }),
    applyDeclared: () => applyDeclared({ ...apps, fingerprintKey: core.keys.secret('fingerprint') }, config),
  }
}
