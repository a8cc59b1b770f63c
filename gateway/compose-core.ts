/**
 * The first half of composing: stores, keys, and what acts on them. Every port gets its adapter here and nowhere else.
 *
 * Never: imports what talks HTTP. The command line composes this half alone, and would wait for the edges' engines without using them.
 */
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createArgon2Hasher } from '#adapters/argon2.ts'
import type { Resolve } from '#adapters/egress-connect.ts'
import { HttpEgress } from '#adapters/egress-http.ts'
import { createJsonLog } from '#adapters/json-log.ts'
import { SqlChanges } from '#adapters/sql/changes.ts'
import type { EphemeralFile } from '#adapters/sql/ephemeral.ts'
import { openEphemeral } from '#adapters/sql/ephemeral.ts'
import { openSqlite, type SqlDatabase } from '#adapters/sql/open.ts'
import { createStores, type Rewrites, type Stores } from '#adapters/sql/stores.ts'
import { systemClock } from '#adapters/system-clock.ts'
import { systemRandom } from '#adapters/system-random.ts'
import type { GatehouseConfig } from '#config/resolved.ts'
import { createPasswords } from './accounts/passwords.ts'
import { createAccountWrites } from './administration/account-writes.ts'
import { createAppWrites } from './administration/app-writes.ts'
import { type AppRegistry, openAppRegistry } from './apps/registry.ts'
import { Sealer } from './audit/sealer.ts'
import { type AuditTrail, createAuditTrail } from './audit/trail.ts'
import { composeLogout } from './compose-logout.ts'
import { countBusy, createMeters } from './compose-meters.ts'
import { cookieNames } from './http/cookies.ts'
import { currentRequestId } from './http/request.ts'
import type { Clock } from './kernel/clock.ts'
import type { Log } from './kernel/log.ts'
import { createMetrics } from './kernel/metrics.ts'
import type { Random } from './kernel/random.ts'
import { Keyring } from './keys/keyring.ts'
import { loadMasterKey } from './keys/master-key.ts'
import { signJwt } from './keys/sign-jwt.ts'
import { openKnownEndings } from './logout/open-endings.ts'
import { createRevokeOffline } from './logout/revoke-offline.ts'
import { Sweeper } from './logout/sweeper.ts'
import { createCoveredArtifacts } from './oidc/covered-artifacts.ts'
import { createCoveredSessionStore } from './sessions/covered.ts'
import { createSessionRegistry } from './sessions/registry.ts'
import { createSetUpLinkMaker } from './sign-in/set-up-link.ts'

/** What tests put in place of the machine's own. */
export interface Machine {
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  /** Awaited between statements (DECISIONS 34). */
  readonly pause?: () => Promise<void>
  /** What names lead to. */
  readonly resolve?: Resolve
}

export type Core = Awaited<ReturnType<typeof composeCore>>

/** One tenant today; every durable table carries it from the first migration. */
const tenant = 'default'

/** Composes everything but the edges. Nothing runs in the background until it is started. */
export async function composeCore(config: GatehouseConfig, machine: Machine = {}) {
  const clock = machine.clock ?? systemClock
  const random = machine.random ?? systemRandom
  const log = machine.log ?? createJsonLog({ level: config.log.level })
  const pause = machine.pause === undefined ? {} : { pause: machine.pause }
  const metrics = createMetrics()
  const meters = createMeters(metrics)

  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const reportError = (error: unknown): void =>
    log.error('work after a commit failed', { error: String(error) })
  const database: SqlDatabase = await openSqlite({
    file: config.storage.databaseFile,
    reportError,
    onFailure: (code) => meters.storeFailures.add({ store: 'main', code }),
    ...pause,
  })
  const { transaction } = database
  const ephemeral: EphemeralFile = openEphemeral({
    file: join(config.dataDir, 'ephemeral.db'),
    clock,
    onFailure: (code) => meters.storeFailures.add({ store: 'ephemeral', code }),
    ...pause,
  })
  const changes = await SqlChanges.open(database, log)
  // As they are, for the door, its batches and the sweeper; `stores` is what everybody else reads: there, what has ended by an instant
  // has ended, marked or not (DECISIONS 23). What takes away is handed to two files, which end in the same transaction what was lost,
  // and to nobody else (DECISIONS 96).
  const { rewrites, ...records }: Stores & { rewrites: Rewrites } = createStores(database, tenant)
  const endings = await openKnownEndings({ jobs: records.endJobs, changes, log })
  const stores: Stores = {
    ...records,
    sessions: createCoveredSessionStore(records.sessions, endings),
    artifacts: createCoveredArtifacts(records.artifacts, records.sessions, endings),
  }
  const audit: AuditTrail = createAuditTrail({ store: stores.audit, clock, requestId: currentRequestId })

  const apps: AppRegistry = await openAppRegistry({ store: stores.apps, changes, log })
  const { encryptionKey } = config.keys
  const masterKey = loadMasterKey({
    ...(encryptionKey === undefined ? {} : { configured: encryptionKey }),
    dataDir: config.dataDir,
    random,
    log,
  })
  const keys = await Keyring.open({
    store: stores.keys,
    transaction,
    changes,
    audit: audit.append,
    clock,
    random,
    log,
    masterKey,
  })

  const { resolve } = machine
  const egress = new HttpEgress({ ...config.egress, ...(resolve === undefined ? {} : { resolve }) })
  const engine = composeLogout({
    config,
    clock,
    random,
    log,
    transaction,
    changes,
    stores,
    records,
    endings,
    audit,
    apps,
    keys,
    egress,
    meters,
  })
  const { endSession, dispatcher, endingJobs, journeys, webhook } = engine

  const tokens = stores.artifacts
  const revokeOffline = createRevokeOffline({ tokens, audit, transaction })
  const accountWrites = createAccountWrites({ ...stores, tokens, rewrites, endSession, transaction, clock })
  const appWrites = createAppWrites({
    ...stores,
    store: stores.apps,
    tokens,
    rewrites,
    endSession,
    revokeOffline,
    transaction,
    changes,
    clock,
    audit: audit.append,
  })

  const appPolicy = (id: Parameters<AppRegistry['find']>[0]) => apps.find(id)?.sessions ?? {}
  const policy = {
    idleMs: config.sessions.idleMs,
    absoluteMs: config.sessions.absoluteMs,
    ...(config.sessions.rememberMe.enabled
      ? { rememberedAbsoluteMs: config.sessions.rememberMe.absoluteMs }
      : {}),
    activity: config.sessions.activity,
    rotateSecretMs: config.sessions.rotateSecretMs,
  }
  const sessions = createSessionRegistry({
    store: stores.sessions,
    transaction,
    clock,
    random,
    policy,
    appPolicy,
    endSession,
    rotationKey: keys.secret('session-rotation'),
    onReplay: (session, address) =>
      audit.append(
        { type: 'session.secret-replayed', accountId: session.accountId, ssoSessionId: session.id, address },
        { actor: { kind: 'gateway' } },
      ),
  })

  const passwords = countBusy(
    createPasswords({ hasher: createArgon2Hasher(), cores: availableParallelism() }),
    meters.passwordsBusy,
  )
  const createSetUpLink = createSetUpLinkMaker({
    accounts: stores.accounts,
    append: audit.append,
    ephemeral,
    clock,
    random,
  })
  const sweeper = new Sweeper({
    sessions: records.sessions,
    tokens: stores.artifacts,
    logouts: stores.logouts,
    webhooks: stores.webhooks,
    journeyStore: stores.journeys,
    journeys,
    endSession,
    apps,
    transaction,
    clock,
    log,
    policy,
    keepHistoryMs: config.sessions.keepHistoryMs,
  })
  const sealer = new Sealer({
    store: stores.audit,
    transaction,
    clock,
    log,
    sign: (statement) =>
      Promise.resolve(signJwt({ typ: 'gatehouse-audit-checkpoint' }, { statement }, keys.signing('ES256'))),
    keepMs: config.audit.keepMs,
  })

  return {
    config,
    clock,
    random,
    log,
    metrics,
    meters,
    database,
    transaction,
    ephemeral,
    changes,
    stores,
    audit,
    apps,
    keys,
    egress,
    ...engine,
    accountWrites,
    appWrites,
    revokeOffline,
    sessions,
    passwords,
    createSetUpLink,
    sweeper,
    sealer,
    cookieNames: cookieNames(config.issuer),
    /** In the order in which one relies on the next: what talks first, the database last. */
    close: async (): Promise<void> => {
      await sweeper[Symbol.asyncDispose]()
      await endingJobs[Symbol.asyncDispose]()
      await dispatcher[Symbol.asyncDispose]()
      await webhook?.sender[Symbol.asyncDispose]()
      await sealer[Symbol.asyncDispose]()
      keys[Symbol.dispose]()
      apps[Symbol.dispose]()
      endings[Symbol.dispose]()
      changes[Symbol.dispose]()
      await egress[Symbol.asyncDispose]()
      await ephemeral[Symbol.asyncDispose]()
      await database.close()
    },
  }
}
