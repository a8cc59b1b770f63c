/**
 * The life of a serving process: from configuration to ready, and on a signal from ready to gone.
 *
 * Owns: the order of starting and stopping, and what the terminal is told. Standard output is for the person at the terminal,
 * standard error is the log.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadedConfig } from '#config/load.ts'
import { compose, type Gateway } from './compose.ts'
import { createListener } from './http/listener.ts'
import { secondMs } from './kernel/clock.ts'
import { GatewayError } from './kernel/errors.ts'

/** Requests in flight may finish for so long; then connections are closed. Under the 30 s that process managers give. */
const drainMs = 20 * secondMs
/** While they do, connections that have nothing to do any more are looked for this often. */
const closeIdleEveryMs = 50
/** What takes longer is said, so that nobody wonders. */
const sayAfterMs = secondMs

/** Starts the gateway and resolves when it has stopped. Throws what the configuration or the stores say is wrong. */
export async function serve(loaded: LoadedConfig): Promise<void> {
  const stopped = signals()
  await using gateway = await telling('Opening the database and keys', () => compose(loaded.config))
  for (const { message } of loaded.warnings) gateway.log.warn(message)
  await telling('Applying what the configuration file declares', () => gateway.commands.applyDeclared())
  const servers = await listen(gateway)
  gateway.start()
  await announce(gateway)
  await stopped
  say('Stopping: requests in flight may finish.')
  gateway.endStreams()
  await Promise.all(servers.map(drain))
}

/** Opens the listener for everybody, and that for monitoring where there is to be one. */
async function listen(gateway: Gateway): Promise<readonly Server[]> {
  const { listen: at, metrics, tls } = gateway.config
  const pem =
    tls === undefined
      ? undefined
      : { cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') }
  const opened = [await open(createListener(gateway.handle, pem), 'listen', at)]
  if (metrics !== undefined && gateway.handleMetrics !== undefined) {
    opened.push(await open(createListener(gateway.handleMetrics), 'metrics', metrics))
  }
  gateway.refuseOwnListeners(opened)
  return opened.map(({ server }) => server)
}

async function open(
  server: Server,
  setting: 'listen' | 'metrics',
  at: { readonly host: string; readonly port: number },
): Promise<{ readonly server: Server; readonly host: string; readonly port: number }> {
  server.listen(at.port, at.host)
  await once(server, 'listening').catch((error: unknown) => {
    throw cannotListen(error, setting, at)
  })
  return { server, host: at.host, port: (server.address() as AddressInfo).port }
}

function cannotListen(
  error: unknown,
  setting: 'listen' | 'metrics',
  { host, port }: { readonly host: string; readonly port: number },
): unknown {
  const remedy = setting === 'listen' ? 'set listen.port, and issuer with it' : 'set metrics.port'
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new GatewayError(
        'configuration_invalid',
        `Port ${port} on ${host} is taken. Is the gateway running already? If another program has it, ${remedy}.`,
      )
    case 'EACCES':
      return new GatewayError(
        'configuration_invalid',
        `This user may not listen on port ${port}. Set ${setting}.port to one above 1023${setting === 'listen' ? ' and put a proxy in front' : ''}.`,
      )
    default:
      return error
  }
}

async function announce(gateway: Gateway): Promise<void> {
  const { config } = gateway
  say(`Gatehouse is ready at ${config.issuer}`)
  const token = await gateway.createSetUpLink()
  if (token !== undefined) {
    say(
      `No operator account exists yet. Make the first one within 30 minutes: ${new URL(`/set-up/${token}`, config.issuer).href}`,
    )
  }
}

/** npm passes a signal on to a process that already got it: repeats within a second are one (DECISIONS 49). A later one means "now". */
function signals(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let first: number | undefined
  const onSignal = (): void => {
    const now = performance.now()
    if (first !== undefined && now - first > secondMs) process.exit(1)
    first ??= now
    resolve()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return promise
}

async function drain(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  // A connection that was busy is kept open for its next request once it is answered, and would hold us up until it times out.
  const closing = setInterval(() => server.closeIdleConnections(), closeIdleEveryMs)
  await Promise.race([closed, sleep(drainMs, undefined, { ref: false })])
  clearInterval(closing)
  server.closeAllConnections()
}

async function telling<T>(what: string, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(`${what} …`), sayAfterMs)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
