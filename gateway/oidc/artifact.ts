import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { AccountStore } from '../accounts/store.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { AppStore, ConsentStore } from '../apps/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import { type Clock, secondMs } from '../kernel/clock.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { EndSession } from '../sessions/ending.ts'
import type { OfflinePolicy } from '../sessions/offline-access.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { ArtifactStore } from './store.ts'
/** What the adapters work with. */
export interface ArtifactsDeps {
  readonly store: ArtifactStore
  readonly sessions: SessionRegistry
  readonly endSession: EndSession
  readonly accounts: Pick<AccountStore, 'findAndHold'>
  readonly apps: AppRegistry
  /** What is stored of an app at this instant: the registry may be a quarter of a second behind another process. */
  readonly appRecords: Pick<AppStore, 'find'>
  readonly consents: ConsentStore
  readonly ephemeral: Ephemeral
  readonly transaction: Transaction
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
  /** The live session of the browser that makes the engine's current request, looked up once a request. */
  readonly sessionOfRequest: () => Promise<SsoSession | undefined>
  /** How long a lost answer to a refresh may be asked for again (DECISIONS 12). */
  readonly refreshGraceMs: number
  readonly successorKey: Uint8Array
  /** How long an app's access lasts while the person is away. */
  readonly offlinePolicy: OfflinePolicy
  /** Throws GatewayError `throttled` when the address of the current request has asked for too many interactions. */
  readonly admitInteraction: () => Promise<void>
}

/** Models of features that are off: reaching one is a fault of ours and must not look like an empty answer. */
export function unusedAdapter(model: string): Adapter {
  const refuse = (): never => {
    throw new GatewayError('internal', `The engine used ${model} in a way that the gateway does not offer.`)
  }
  return {
    upsert: async () => refuse(),
    find: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async () => refuse(),
    destroy: async () => refuse(),
    revokeByGrantId: async () => refuse(),
  }
}

/** The engine's time to live in ms. */
export function lifetimeMs(expiresInSeconds: number | undefined): number {
  // An entry without an end would live for ever; the engine gives one for every model that is on.
  if (expiresInSeconds === undefined || expiresInSeconds <= 0)
    throw new GatewayError('internal', 'A token was stored without an expiry.')
  return expiresInSeconds * secondMs
}

/**
 * What is stored of a model: never a secret. That is the id, and in an interaction the cookie of the session that it asks, which the
 * engine writes down and never reads (models/interaction.js:13, N-006).
 */
export function withoutSecrets({ jti: _id, session, ...rest }: AdapterPayload): Record<string, unknown> {
  if (session === undefined) return rest
  const { cookie: _cookie, ...asked } = session
  return { ...rest, session: asked }
}
