import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The gateway as operators run it: a process of its own, which can be killed. */
export interface GatewayProcess {
  /** What it has written to the terminal and to its log. */
  output(): string
  /** kill -9. Resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves when it is gone; throws when it did not leave in peace. */
  stop(): Promise<void>
}

const main = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))
/** Starting takes about a second; on a machine that runs ten of them, several. */
const startDeadlineMs = 60_000

/** Starts it on a configuration file and resolves when it is ready. Throws with its output when it could not start. */
export async function startGatewayProcess(configFile: string): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [main, '--config', configFile], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const ready = Promise.withResolvers<void>()
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
    if (output.includes('Gatehouse is ready')) ready.resolve()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  child.once('exit', (code, signal) =>
    ready.reject(new Error(`the gateway ended with ${signal ?? code}:\n${output}`)),
  )
  const deadline = setTimeout(() => {
    child.kill('SIGKILL')
    ready.reject(new Error(`the gateway was not ready in time:\n${output}`))
  }, startDeadlineMs)
  try {
    await ready.promise
  } finally {
    clearTimeout(deadline)
  }
  return {
    output: () => output,
    kill: async () => {
      await leave(child, 'SIGKILL')
    },
    stop: async () => {
      const code = await leave(child, 'SIGTERM')
      if (code !== 0) throw new Error(`the gateway stopped with ${code}:\n${output}`)
    },
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
