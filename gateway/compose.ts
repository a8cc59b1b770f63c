/**
 * Puts the gateway together: the core, the commands over it, and the edges over both. The server and the tests use this same function,
 * so what a test drives is what runs.
 */
import type { RequestListener } from 'node:http'
import type { GatehouseConfig } from '#config/resolved.ts'
import { createRemovePasskey } from './administration/remove-passkey.ts'
import { type Commands, createCommands } from './compose-commands.ts'
import { type Core, composeCore, type Machine } from './compose-core.ts'
import { createEdges } from './compose-edges.ts'
import { countSignIns } from './compose-meters.ts'
import { monitor } from './compose-metrics.ts'
import { createSignInParts, type SignInParts } from './sign-in/parts.ts'

export interface Gateway extends Core, SignInParts, AsyncDisposable {
  readonly commands: Commands
  /** Answers HTTP. */
  readonly handle: RequestListener
  /** Answers on the listener for metrics; undefined when there is to be none. */
  readonly handleMetrics: RequestListener | undefined
  /** Tells the egress port which addresses are our own, once they are known. */
  refuseOwnListeners(listeners: readonly { readonly host: string; readonly port: number }[]): void
  /** Ends streams of events, which would keep a stopping process for a minute. */
  endStreams(): void
  /** Begins the work in the background: telling apps, sweeping, sealing, watching for changes. */
  start(): void
}

/** Composes everything. Nothing runs in the background until `start`. */
export async function compose(config: GatehouseConfig, machine: Machine = {}): Promise<Gateway> {
  const core = await composeCore(config, machine)
  const commands = createCommands(core)
  const parts = createSignInParts({
    ...core,
    ...core.stores,
    registry: core.sessions,
    append: core.audit.append,
    removePasskey: createRemovePasskey({ ...core, append: core.audit.append }),
    relyingParty: { issuer: config.issuer, name: config.appearance.name },
    maxPerAccount: config.sessions.maxPerAccount,
  })
  const proving = { ...parts, signIn: countSignIns(parts.signIn, core.meters.signIns) }
  const edges = createEdges(core, commands, proving)
  const monitored = config.metrics === undefined ? undefined : monitor(core, edges.handle)
  const stopWatchingKeys = core.keys.onChange(() => edges.reloadKeys())
  return {
    ...core,
    ...proving,
    commands,
    handle: monitored?.handle ?? edges.handle,
    handleMetrics: monitored?.handleMetrics,
    endStreams: () => edges.endStreams(),
    refuseOwnListeners: (listeners) => core.egress.refuseListeners(listeners),
    start: () => {
      core.changes.start()
      core.keys.start()
      core.dispatcher.start()
      core.webhook?.sender.start()
      core.endingJobs.start()
      core.sweeper.start()
      core.sealer.start()
    },
    [Symbol.asyncDispose]: async () => {
      stopWatchingKeys()
      monitored?.[Symbol.dispose]()
      await core.close()
    },
  }
}
