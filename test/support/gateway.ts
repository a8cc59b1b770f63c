import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Resolve } from '#adapters/egress-connect.ts'
import { loadConfig } from '#config/load.ts'
import { compose, type Gateway } from '#gateway/compose.ts'
import { createListener } from '#gateway/http/listener.ts'
import type { Log } from '#gateway/kernel/log.ts'
import { seededPause } from './database.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'

export interface TestGatewayOptions {
  /** Settings as an operator writes them, over the test's own: the issuer's port and the data folder are ours. */
  readonly settings?: Record<string, unknown>
  /** Statements await at random between one another (DECISIONS 34). */
  readonly seed?: number
  /** Awaited before each statement, in place of `seed`: one that throws is a store that cannot answer. */
  readonly pause?: () => Promise<void>
  /** Goes on with the folder of a gateway that was stopped: a restart. */
  readonly folder?: string
  readonly port?: number
  readonly clock?: ManualClock
  /** What names lead to, for the gateway's own requests. */
  readonly resolve?: Resolve
  /** True keeps real time: for browsers, whose clocks are their own. */
  readonly realTime?: boolean
  /** Runs the dispatcher and the sweeper as `serve` does; otherwise a test runs them by hand. */
  readonly background?: boolean
}

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway
  readonly issuer: string
  readonly port: number
  readonly folder: string
  readonly clock: ManualClock
  /** Every line of the log, in order. */
  readonly logLines: { readonly level: string; readonly message: string; readonly fields: unknown }[]
  /** Stops it and keeps the folder, so that it can be started again. */
  stop(): Promise<void>
}

/** Starts the gateway as `serve` does, on loopback, with a folder and a port of its own. */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  const port = options.port ?? (await freePort())
  const issuer = `http://localhost:${port}`

  const file = join(folder, 'gatehouse.yaml')
  const settings = {
    issuer,
    listen: { host: '127.0.0.1', port },
    data_dir: join(folder, 'data'),
    ...options.settings,
  }
  writeFileSync(file, stringify(settings))
  const { config } = loadConfig({ file, environment: {}, workingDirectory: folder })

  const logLines: TestGateway['logLines'] = []
  const clock = options.clock ?? createManualClock()
  if (options.realTime === true) clock[Symbol.dispose]()
  const gateway = await compose(config, {
    ...(options.realTime === true ? {} : { clock }),
    log: collectingLog(logLines),
    ...(options.seed === undefined ? {} : { pause: seededPause(options.seed) }),
    ...(options.pause === undefined ? {} : { pause: options.pause }),
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  })
  await gateway.commands.applyDeclared()
  const listener = createListener(gateway.handle)
  listener.listen(port, '127.0.0.1')
  await once(listener, 'listening')
  gateway.refuseOwnListeners([{ host: '127.0.0.1', port }])
  if (options.background === true) gateway.start()

  let running = true
  const stop = async (): Promise<void> => {
    if (!running) return
    running = false
    listener.close()
    listener.closeAllConnections()
    await gateway[Symbol.asyncDispose]()
  }
  return {
    gateway,
    issuer,
    port,
    folder,
    clock,
    logLines,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      if (options.clock === undefined) clock[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The issuer names the port, so it must be known before the gateway is composed, and still be free a moment later. The operating
 * system gives out the upper ports by itself, to every connection of every other test; nobody takes one of these unasked.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    const server = createServer()
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      server.close()
      await once(server, 'close')
      return port
    } catch {
      // Somebody's already: another one.
    }
  }
}

function collectingLog(lines: TestGateway['logLines']): Log {
  const at = (level: string) => (message: string, fields?: unknown) => {
    lines.push({ level, message, fields })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
