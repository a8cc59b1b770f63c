import type { Commands } from '../compose-commands.ts'
import type { Core } from '../compose-core.ts'
import type { Call } from './verb.ts'

/** The gateway without its edges, as a verb uses it. */
export interface Opened extends Core {
  readonly commands: Commands
}

/** Whoever can read the configuration and the database is an operator already. */
export const byCommandLine = { kind: 'command-line' } as const

/**
 * Opens stores and keys, beside a running server or without one, and closes them when the verb is done. Apps are told by the server:
 * by the one that runs, which notices within a second, or by the next one.
 */
export async function withGateway(call: Call, work: (gateway: Opened) => Promise<void>): Promise<void> {
  const { config } = await call.loadConfig()
  const { createJsonLog } = await import('#adapters/json-log.ts')
  const { composeCore } = await import('../compose-core.ts')
  const { createCommands } = await import('../compose-commands.ts')
  const core = await composeCore(config, { log: createJsonLog({ level: 'error' }) })
  try {
    await work({ ...core, commands: createCommands(core) })
  } finally {
    await core.close()
  }
}
