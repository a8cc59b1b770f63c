/**
 * What operators do to apps.
 *
 * Owns: that a command is one transaction. Relies on: `apps/rules` for what is acceptable, `app-writes`, which ends in the same
 * transaction what the change took away. Never: keeps a client secret; it is shown once and stored as a hash.
 */
import type { AccountStore } from '../accounts/store.ts'
import { type App, type AppSettings, changed } from '../apps/app.ts'
import { type ClientMetadata, needsSecret } from '../apps/client-metadata.ts'
import { hashChosenSecret, minSecretLength, newClientSecret } from '../apps/client-secret.ts'
import type { AppRegistry } from '../apps/registry.ts'
import { type AppRules, problemsOf } from '../apps/rules.ts'
import type { AppStore } from '../apps/store.ts'
import type { AppendAudit, AuditEvent } from '../audit/event.ts'
import type { Changes } from '../kernel/changes.ts'
import { type Clock, dayMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AppId, parseAppId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { EndResult } from '../sessions/ending.ts'
import { type Administrator, requireAdministrator } from './administrator.ts'
import type { AppWrites } from './app-writes.ts'

export interface AppCommandsDeps {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly store: AppStore
  readonly appWrites: AppWrites
  readonly registry: Pick<AppRegistry, 'reload'>
  readonly rules: AppRules
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly random: Random
}

/** An app to register. */
export interface NewApp extends Omit<AppSettings, 'state' | 'oidc'> {
  readonly id: string
  readonly oidc: {
    /** The app's id unless given. */
    readonly clientId?: string
    /** Chosen by the operator; one is made when the method needs one and this is absent. */
    readonly secret?: string
    readonly metadata: ClientMetadata
  }
}

/** Every method throws GatewayError `app_not_found`, `app_file_owned`, `app_invalid` or `forbidden` where they apply. */
export interface AppCommands {
  /** Throws `app_exists`. `secret` is there when one was made: shown now or never. */
  add(of: NewApp, by: Administrator): Promise<{ readonly app: App; readonly secret?: string }>
  /** Narrower access ends the AppSessions of those who may not open the app any more. */
  change(id: AppId, settings: Omit<AppSettings, 'state'>, by: Administrator): Promise<App>
  /** Ends its sessions. Allowed for file-owned apps too: an emergency must not wait for a restart. */
  disable(id: AppId, by: Administrator): Promise<EndResult>
  enable(id: AppId, by: Administrator): Promise<void>
  /** Ends its sessions, frees its id, and forgets it once it has been told of them. */
  remove(id: AppId, by: Administrator): Promise<EndResult>
  /** The old secret stops working at once. */
  rotateSecret(id: AppId, by: Administrator): Promise<{ readonly app: App; readonly secret: string }>
}

/** As long as history shows its name, and far longer than it is told of the sessions that ended with it. */
const keepRemovedMs = 90 * dayMs

const nothingEnded: EndResult = { ssoSessionIds: [], appSessionIds: [] }

/** Creates the commands. */
export function createAppCommands(deps: AppCommandsDeps): AppCommands {
  const { store, clock, audit } = deps

  /** One durable transaction, then the registry of this process knows; others hear of it through Changes. */
  const command = async <Result>(by: Administrator, work: () => Promise<Result>): Promise<Result> => {
    const result = await deps.transaction.run(
      async () => {
        await requireAdministrator(deps.accounts, by)
        const done = await work()
        await deps.changes.announce('apps')
        return done
      },
      { durable: true },
    )
    await deps.registry.reload()
    return result
  }

  const presentApp = async (id: AppId): Promise<App> => {
    const app = await store.find(id)
    if (app === undefined || app.removedAt !== undefined) {
      throw new GatewayError('app_not_found', 'There is no such app.')
    }
    return app
  }

  /** Ownership stays what it is: the fingerprint of a declared app goes with it. */
  const write = async (before: App, next: App, by: Administrator, event: AuditEvent): Promise<EndResult> => {
    const fingerprint = before.fileOwned ? (await store.fingerprints()).get(before.id) : undefined
    const ended = await deps.appWrites.replace({
      before,
      next,
      by,
      events: [event],
      ...(fingerprint === undefined ? {} : { fingerprint }),
    })
    if (ended === undefined) throw await whyNot(next)
    return ended
  }

  const whyNot = async (next: App): Promise<GatewayError> => {
    const other = (await store.list()).find(
      (app) => app.id !== next.id && app.removedAt === undefined && app.oidc.clientId === next.oidc.clientId,
    )
    return other === undefined
      ? new GatewayError('busy', 'Somebody else changed this app just now. Look at it again, then repeat.')
      : new GatewayError('app_exists', `The app ${other.id} has this client id already.`)
  }

  const setState = async (id: AppId, state: App['state'], by: Administrator): Promise<EndResult> => {
    const app = await presentApp(id)
    if (app.state === state) return nothingEnded
    const type = state === 'disabled' ? 'app.disabled' : 'app.enabled'
    return write(app, changed(app, { ...app, state }, clock.now()), by, { type, appId: id })
  }

  return {
    add: async (of, by) => {
      const { id, oidc, ...settings } = of
      const appId = parseAppId(id)
      if (appId === undefined) {
        throw invalid('id must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit')
      }
      const credential = credentialFor(oidc, deps.random)
      const now = clock.now()
      const app: App = {
        ...settings,
        id: appId,
        state: 'enabled',
        fileOwned: false,
        oidc: {
          clientId: oidc.clientId ?? appId,
          ...(credential === undefined ? {} : { secretHash: credential.secretHash }),
          metadata: oidc.metadata,
        },
        createdAt: now,
        updatedAt: now,
      }
      refuseUnacceptable(app, deps.rules)
      return command(by, async () => {
        const before = await store.find(appId)
        if (before?.removedAt === undefined) {
          if (!(await store.insert(app))) throw taken()
          await audit({ type: 'app.created', appId }, { actor: by })
        } else {
          const next = { ...app, updatedAt: Math.max(now, before.updatedAt + 1) }
          const events = [{ type: 'app.created', appId }] as const
          if ((await deps.appWrites.replace({ before, next, by, events })) === undefined) throw taken()
        }
        return { app, ...(credential?.made === undefined ? {} : { secret: credential.made }) }
      })
    },

    change: (id, settings, by) =>
      command(by, async () => {
        const app = await presentApp(id)
        refuseFileOwned(app)
        const next = changed(app, { ...settings, state: app.state }, clock.now())
        refuseUnacceptable(next, deps.rules)
        const fields = changedFields(app, next)
        await write(app, next, by, { type: 'app.changed', appId: id, fields })
        return next
      }),

    disable: (id, by) => command(by, () => setState(id, 'disabled', by)),

    enable: async (id, by) => {
      await command(by, () => setState(id, 'enabled', by))
    },

    remove: (id, by) =>
      command(by, async () => {
        const app = await presentApp(id)
        refuseFileOwned(app)
        const now = clock.now()
        const removed: App = {
          ...changed(app, { ...app, state: 'disabled' }, now),
          removedAt: now,
        }
        const ended = await write(app, removed, by, { type: 'app.removed', appId: id })
        await deps.appWrites.forgetRemovedBefore(now - keepRemovedMs)
        return ended
      }),

    rotateSecret: (id, by) =>
      command(by, async () => {
        const app = await presentApp(id)
        refuseFileOwned(app)
        if (!needsSecret(app.oidc.metadata.token_endpoint_auth_method)) {
          throw invalid(`${app.oidc.metadata.token_endpoint_auth_method} uses no secret`)
        }
        const { secret, secretHash } = newClientSecret(deps.random)
        const next = changed(app, { ...app, oidc: { ...app.oidc, secretHash } }, clock.now())
        await write(app, next, by, { type: 'app.changed', appId: id, fields: ['client_secret'] })
        return { app: next, secret }
      }),
  }
}

function credentialFor(
  oidc: NewApp['oidc'],
  random: Random,
): { readonly secretHash: string; readonly made?: string } | undefined {
  if (oidc.secret !== undefined) {
    const secretHash = hashChosenSecret(oidc.secret)
    if (secretHash === undefined) {
      throw invalid(
        `client_secret must be at least ${minSecretLength} printable characters from a random source`,
      )
    }
    return { secretHash }
  }
  if (!needsSecret(oidc.metadata.token_endpoint_auth_method)) return undefined
  const { secret, secretHash } = newClientSecret(random)
  return { secretHash, made: secret }
}

function taken(): GatewayError {
  return new GatewayError('app_exists', 'Another app has this id or client id.')
}

function refuseFileOwned(app: App): void {
  if (!app.fileOwned) return
  throw new GatewayError(
    'app_file_owned',
    'The configuration file declares this app: change it there and restart.',
  )
}

function refuseUnacceptable(app: App, rules: AppRules): void {
  const problems = problemsOf(app, rules)
  if (problems.length === 0) return
  throw invalid(problems.map(({ field, problem }) => `${field} ${problem}`).join('; '))
}

function invalid(problem: string): GatewayError {
  return new GatewayError('app_invalid', `The app cannot be registered: ${problem}.`)
}

function changedFields(before: App, after: App): readonly string[] {
  const fields = [
    'name',
    'launchUrl',
    'firstParty',
    'access',
    'sessions',
    'logout',
    'offline',
    'oidc',
  ] as const
  return fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
}
