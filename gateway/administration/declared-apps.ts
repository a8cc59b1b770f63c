/**
 * Applies the apps that the configuration file declares (DECISIONS 32).
 *
 * Owns: that only what changed is written, and that an entry which disappears is disabled, not deleted. Relies on: `app-writes`, which
 * ends in the same transaction what the change took away.
 * Never: touches an app that the file does not and did not declare.
 */
import type { DeclaredApp } from '#config/resolved.ts'
import type { App } from '../apps/app.ts'
import { hashChosenSecret } from '../apps/client-secret.ts'
import type { AppRegistry } from '../apps/registry.ts'
import { type AppRules, problemsOf } from '../apps/rules.ts'
import type { AppStore } from '../apps/store.ts'
import type { AppendAudit, AuditEvent } from '../audit/event.ts'
import type { Changes } from '../kernel/changes.ts'
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AppId, parseAppId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { AppWrites } from './app-writes.ts'
import { fingerprintOf } from './fingerprint.ts'

export interface DeclaredAppsDeps {
  readonly store: AppStore
  readonly registry: Pick<AppRegistry, 'reload'>
  readonly rules: AppRules
  readonly appWrites: AppWrites
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly audit: AppendAudit
  readonly clock: Clock
  readonly fingerprintKey: Uint8Array
}

const byFile = { actor: { kind: 'configuration' } } as const

/** Applies what changed since the last start; returns how many apps were written. */
export async function applyDeclaredApps(
  deps: DeclaredAppsDeps,
  declared: readonly DeclaredApp[],
): Promise<number> {
  const known = await deps.store.fingerprints()
  const named = new Set<string>(declared.map(({ id }) => id))
  let written = 0
  // What disappeared goes first: its client id may be another entry's now.
  for (const id of known.keys()) {
    if (named.has(id)) continue
    await durably(deps, () => letGo(deps, id))
    written++
  }
  for (const entry of declared) {
    const fingerprint = fingerprintOf(deps.fingerprintKey, entry)
    const id = parseAppId(entry.id)
    if (id === undefined) throw misdeclared(entry, 'its id is not an app id')
    if (known.get(id) === fingerprint) continue
    await durably(deps, () => apply(deps, id, entry, fingerprint))
    written++
  }
  if (written > 0) await deps.registry.reload()
  return written
}

function durably(deps: DeclaredAppsDeps, work: () => Promise<void>): Promise<void> {
  return deps.transaction.run(
    async () => {
      await work()
      await deps.changes.announce('apps')
    },
    { durable: true },
  )
}

async function apply(
  deps: DeclaredAppsDeps,
  id: AppId,
  entry: DeclaredApp,
  fingerprint: string,
): Promise<void> {
  const before = await deps.store.find(id)
  const app = appOf(id, entry, before, deps.clock.now())
  const problems = problemsOf(app, deps.rules)
  if (problems.length > 0) {
    throw misdeclared(entry, problems.map(({ field, problem }) => `${field} ${problem}`).join('; '))
  }
  if (before === undefined) {
    if (!(await deps.store.insert(app, fingerprint)))
      throw misdeclared(entry, await whoHasItsClientId(deps, app))
    await deps.audit({ type: 'app.created', appId: id }, byFile)
    return
  }
  const events: readonly AuditEvent[] =
    before.removedAt === undefined
      ? [
          { type: 'app.changed', appId: id, fields: ['declared'] },
          ...(before.state === app.state ? [] : [{ type: 'app.enabled', appId: id } as const]),
        ]
      : [{ type: 'app.created', appId: id }]
  const ended = await deps.appWrites.replace({ before, next: app, by: byFile.actor, events, fingerprint })
  if (ended === undefined) throw misdeclared(entry, await whoHasItsClientId(deps, app))
}

async function whoHasItsClientId(deps: DeclaredAppsDeps, app: App): Promise<string> {
  const { clientId } = app.oidc
  const other = (await deps.store.list()).find(
    ({ id, oidc, removedAt }) => id !== app.id && removedAt === undefined && oidc.clientId === clientId,
  )
  return other === undefined
    ? 'it was changed at the same time; start again'
    : `the app ${other.id} has the client id ${clientId}; to free it: gatehouse app remove ${other.id}`
}

/** No longer in the file: disabled, and from now on the operator's to enable, change or remove. */
async function letGo(deps: DeclaredAppsDeps, id: AppId): Promise<void> {
  const app = await deps.store.find(id)
  if (app === undefined) return
  const next: App = {
    ...app,
    state: 'disabled',
    fileOwned: false,
    updatedAt: Math.max(deps.clock.now(), app.updatedAt + 1),
  }
  const events = app.state === 'disabled' ? [] : [{ type: 'app.disabled', appId: id } as const]
  const ended = await deps.appWrites.replace({ before: app, next, by: byFile.actor, events })
  if (ended === undefined) {
    throw new GatewayError('busy', `The app ${id} was changed at the same time. Start again.`)
  }
}

/**
 * The record that the entry stands for. An app that the file declared all along keeps its state: an operator may have disabled it.
 * One that comes back, or was someone else's until now, is enabled.
 */
function appOf(id: AppId, entry: DeclaredApp, before: App | undefined, now: number): App {
  const { client_id: clientId, client_secret: secret, ...metadata } = entry.oidc
  const secretHash = secret === undefined ? undefined : hashChosenSecret(secret)
  if (secret !== undefined && secretHash === undefined) {
    throw misdeclared(entry, 'client_secret must be at least 32 printable characters from a random source')
  }
  return {
    id,
    name: entry.name,
    ...(entry.launchUrl === undefined ? {} : { launchUrl: entry.launchUrl }),
    firstParty: entry.firstParty,
    access: entry.access === 'everyone' ? { kind: 'everyone' } : { kind: 'groups', groups: entry.access },
    state: before?.fileOwned ? before.state : 'enabled',
    fileOwned: true,
    sessions: entry.sessions,
    logout: entry.logout,
    ...(entry.offline === 'survives-sign-out' ? { offline: entry.offline } : {}),
    oidc: { clientId, ...(secretHash === undefined ? {} : { secretHash }), metadata },
    createdAt: before?.createdAt ?? now,
    updatedAt: Math.max(now, (before?.updatedAt ?? 0) + 1),
  }
}

function misdeclared(entry: DeclaredApp, problem: string): GatewayError {
  const { file, line } = entry.source
  return new GatewayError('configuration_invalid', `${file}:${line}: app ${entry.id}: ${problem}.`)
}
