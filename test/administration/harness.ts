import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from '#config/load.ts'
import type { AuditRow } from '#gateway/audit/store.ts'
import { createCommands } from '#gateway/compose-commands.ts'
import { composeCore } from '#gateway/compose-core.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { newId } from '#gateway/kernel/ids.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { anApp } from '#test/apps/builders.ts'
import { seededPause } from '#test/support/database.ts'
import { createManualClock, type ManualClock } from '#test/support/manual-clock.ts'
import { createMemoryLog } from '#test/support/silent-log.ts'

export const byShell = { kind: 'command-line' } as const

export interface Settings {
  readonly apps?: readonly Record<string, unknown>[]
  readonly accounts?: readonly Record<string, unknown>[]
}

export type TestCore = Awaited<ReturnType<typeof openCore>>

/** The composed gateway without its edges: real stores, real keys, the real door; time moves by hand. */
export async function openCore(
  options: {
    readonly settings?: Settings
    readonly folder?: string
    readonly clock?: ManualClock
    readonly seed?: number
  } = {},
) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  const clock = options.clock ?? createManualClock()
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, stringify({ data_dir: './data', ...options.settings }))
  const { config } = loadConfig({ file, environment: {}, workingDirectory: folder })
  const { log, lines } = createMemoryLog()
  const core = await composeCore(config, {
    clock,
    log,
    ...(options.seed === undefined ? {} : { pause: seededPause(options.seed) }),
  })
  const commands = createCommands(core)
  const stop = async (): Promise<void> => {
    await core.close()
  }

  /** A live session with AppSessions at these apps. */
  const beginSession = async (accountId: AccountId, ...appIds: readonly string[]): Promise<SsoSession> => {
    const { session } = await core.transaction.run(
      () =>
        core.sessions.begin({
          accountId,
          authentication: {
            methods: ['password'],
            amr: ['pwd'],
            acr: oneFactor,
            credentialIds: [],
            at: clock.now(),
          },
          remembered: false,
          address: '192.0.2.1',
          userAgent: 'Test',
        }),
      { durable: true },
    )
    for (const appId of appIds) {
      await core.sessions.join({
        id: newId('appSession', core.random),
        ssoSessionId: session.id,
        accountId,
        appId: appId as AppId,
        sid: core.random.bytes(16).toString('hex'),
      })
    }
    return session
  }

  return {
    ...core,
    commands,
    folder,
    clock,
    lines,
    stop,
    beginSession,
    /** Adds an app that is told of sign-outs. */
    addApp: async (id: string, change: Parameters<typeof anApp>[0] = {}) => {
      const { id: _id, state: _state, fileOwned: _f, createdAt: _c, updatedAt: _u, ...app } = anApp(change)
      const { metadata } = app.oidc
      return commands.apps.add(
        {
          ...app,
          id,
          oidc: {
            metadata: { ...metadata, backchannel_logout_uri: 'http://127.0.0.1:4001/backchannel-logout' },
          },
        },
        byShell,
      )
    },
    addAccount: (email: string, more: { groups?: readonly string[]; operator?: boolean } = {}) =>
      commands.accounts.create({ email, password: 'a good enough password', ...more }, byShell),
    /** Why a session ended; undefined while it lives. */
    causeOf: async (session: SsoSession) => (await core.stores.sessions.find(session.id))?.ended?.cause,
    /** Why the AppSessions of a session ended, by app. */
    appCausesOf: async (session: SsoSession) =>
      Object.fromEntries(
        (await core.stores.sessions.appSessionsOf([session.id], 'any')).map(({ appId, ended }) => [
          appId,
          ended?.cause,
        ]),
      ),
    /** Types of audit lines since the last call, in order. */
    audited: auditReader(core),
    /** How many apps are still to be told. */
    pending: async () =>
      (await core.reports.list({ limit: 200 })).flatMap(({ deliveries }) =>
        deliveries.filter(({ state }) => state === 'waiting'),
      ).length,
    [Symbol.asyncDispose]: async () => {
      await stop()
      if (options.clock === undefined) clock[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function auditReader(core: Awaited<ReturnType<typeof composeCore>>): () => Promise<readonly string[]> {
  let seen = 0
  return async () => {
    const rows: readonly AuditRow[] = await core.stores.audit.list({ limit: 200 })
    const fresh = rows.filter(({ seq }) => seq > seen)
    seen = Math.max(seen, ...rows.map(({ seq }) => seq))
    return fresh.map(({ type }) => type).reverse()
  }
}
