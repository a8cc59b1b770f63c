import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The gateway as operators run it: a process of its own, which can be killed. */
export interface GatewayProcess extends AsyncDisposable {
  /** What it has written to the terminal and to its log. */
  output(): string
  /** Resolves when it has written `text`. */
  said(text: string): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Its exit code, once it is gone; null when a signal took it. */
  readonly ended: Promise<number | null>
  /** kill -9. Resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves when it is gone; throws when it did not leave in peace. */
  stop(): Promise<void>
}

const main = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))
/** Starting takes about a second; on a machine that runs ten of them, several. */
const startDeadlineMs = 60_000

/** Starts it on a configuration file and does not wait until it is ready. */
export function spawnGateway(configFile: string): GatewayProcess {
  const child = spawn(process.execPath, [main, '--config', configFile], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  // Not at 'exit': what it wrote last may come after that.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output.includes(text)) resolve()
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      void ended.then(() => reject(new Error(`the gateway ended without a word of "${text}":\n${output}`)))
      look()
    })
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const kill = async (): Promise<void> => {
    await leave(child, 'SIGKILL')
  }
  return {
    output: () => output,
    said,
    signal: (name) => void child.kill(name),
    ended,
    kill,
    stop: async () => {
      const code = await leave(child, 'SIGTERM')
      if (code !== 0) throw new Error(`the gateway stopped with ${code}:\n${output}`)
    },
    [Symbol.asyncDispose]: kill,
  }
}

/** Starts it and resolves when it is ready. Throws with its output when it could not start. */
export async function startGatewayProcess(configFile: string): Promise<GatewayProcess> {
  const gateway = spawnGateway(configFile)
  const deadline = setTimeout(() => gateway.signal('SIGKILL'), startDeadlineMs)
  try {
    await gateway.said('Gatehouse is ready')
    return gateway
  } finally {
    clearTimeout(deadline)
  }
}

async function leave(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return child.exitCode
}
