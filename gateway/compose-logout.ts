/**
 * Composing, for ending sessions and telling apps: the door and everything behind it.
 *
 * Relies on: stores as they are for what marks sessions ended, and covered ones for everybody else (DECISIONS 23).
 */
import type { Stores } from '#adapters/sql/stores.ts'
import type { GatehouseConfig } from '#config/resolved.ts'
import type { AppRegistry } from './apps/registry.ts'
import type { AuditTrail } from './audit/trail.ts'
import type { Meters } from './compose-meters.ts'
import type { Changes } from './kernel/changes.ts'
import type { Clock } from './kernel/clock.ts'
import type { Egress } from './kernel/egress.ts'
import type { Log } from './kernel/log.ts'
import type { Random } from './kernel/random.ts'
import type { Transaction } from './kernel/transaction.ts'
import type { Keyring } from './keys/keyring.ts'
import { signJwt } from './keys/sign-jwt.ts'
import { Dispatcher } from './logout/dispatcher.ts'
import { createBeginEnding, createEndSession, type EndSessionDeps } from './logout/end-session.ts'
import { EndingJobs } from './logout/ending-jobs.ts'
import { createHealthReports } from './logout/health-report.ts'
import { createJourneys } from './logout/journey.ts'
import type { KnownEndings } from './logout/open-endings.ts'
import { createPacer } from './logout/pace.ts'
import { createReceipts, receiptType } from './logout/receipt.ts'
import { createLogoutReports } from './logout/report.ts'
import { createWebhook } from './logout/webhook.ts'
import { createBrowserMessenger } from './oidc/front-channel.ts'
import { createLogoutCheck } from './oidc/logout-check.ts'
import { createLogoutMessenger } from './oidc/logout-token.ts'
import type { EndMany } from './sessions/ending.ts'

export interface LogoutParts {
  readonly config: GatehouseConfig
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly transaction: Transaction
  readonly changes: Changes
  /** As everybody reads them: what has ended by an instant has ended, marked or not. */
  readonly stores: Stores
  /** As they are. */
  readonly records: Pick<Stores, 'sessions' | 'artifacts'>
  readonly endings: KnownEndings
  readonly audit: AuditTrail
  readonly apps: AppRegistry
  readonly keys: Keyring
  readonly egress: Egress
  readonly meters: Meters
}

/** Composes it. Nothing runs in the background until it is started. */
export function composeLogout(parts: LogoutParts) {
  const { config, clock, random, log, transaction, changes, stores, records, endings } = parts
  const { audit, apps, keys, egress, meters } = parts
  const messenger = createLogoutMessenger({ issuer: config.issuer, apps, keys, egress, clock, random })
  const checkApp = createLogoutCheck({
    issuer: config.issuer,
    apps,
    keys,
    egress,
    clock,
    random,
    timeoutMs: config.logout.timeoutMs,
  })
  const { webhook: to } = config.logout
  const webhook =
    to === undefined
      ? undefined
      : createWebhook({
          ...stores,
          to,
          egress,
          transaction,
          clock,
          random,
          log,
          timeoutMs: config.logout.timeoutMs,
          retryForMs: config.logout.retryForMs,
          onSettled: (outcome) => meters.webhook.add({ outcome }),
        })
  const outbox = webhook === undefined ? {} : { outbox: webhook.outbox }
  const journeys = createJourneys({
    journeys: stores.journeys,
    logouts: stores.logouts,
    browserMessenger: createBrowserMessenger({ issuer: config.issuer, apps }),
    audit,
    transaction,
    clock,
    meter: meters.deliveries,
    ...outbox,
  })
  const dispatcher = new Dispatcher({
    ...outbox,
    logouts: stores.logouts,
    health: stores.health,
    messenger,
    apps,
    audit,
    transaction,
    changes,
    clock,
    random,
    log,
    limits: config.logout,
    meter: meters.deliveries,
  })
  const door: EndSessionDeps = {
    ...outbox,
    sessions: records.sessions,
    tokens: records.artifacts,
    logouts: stores.logouts,
    jobs: stores.endJobs,
    endings,
    pacer: createPacer(config.logout.perAppPerSecond),
    journeys: stores.journeys,
    audit,
    apps,
    messenger,
    transaction,
    changes,
    clock,
    random,
    log,
    retryForMs: config.logout.retryForMs,
    wake: () => dispatcher.wake(),
    meter: meters.deliveries,
  }
  const endSession = createEndSession(door)
  const endingJobs = new EndingJobs({ ...door, endings })
  const endMany: EndMany = {
    begin: createBeginEnding(door),
    settle: (id) => endingJobs.settle(id),
  }

  const reports = createLogoutReports({
    logouts: stores.logouts,
    jobs: stores.endJobs,
    health: stores.health,
    apps,
  })
  const appHealth = createHealthReports({ health: stores.health, apps })
  const receipts = createReceipts({
    logouts: stores.logouts,
    issuer: config.issuer,
    clock,
    sign: (payload) => signJwt({ typ: receiptType }, payload, keys.signing('ES256')),
  })

  return {
    messenger,
    checkApp,
    journeys,
    dispatcher,
    /** Absent where the configuration names none. */
    webhook,
    endSession,
    endMany,
    endingJobs,
    reports,
    appHealth,
    receipts,
  }
}
