import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** One program of the demo, which may be stopped and started again. */
export interface DemoProcess {
  readonly running: boolean
  /** `taken`: something else answers at its address already. `failed`: it ended, or did not answer in time. */
  start(): Promise<'ready' | 'taken' | 'failed'>
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The gateway drains first; whoever takes longer is not going to end by asking. */
const stopWithinMs = 10_000
const readyWithinMs = 30_000
const askAgainMs = 100

/** Describes it; nothing runs until `start`. `onEnd` hears of an end that nobody asked for. */
export function createDemoProcess(
  program: {
    readonly command: readonly string[]
    readonly environment?: Readonly<Record<string, string>>
    /** Answers as soon as the program serves. */
    readonly url: string
  },
  onEnd: (how: string) => void,
): DemoProcess {
  let child: ChildProcess | undefined

  const answers = async (): Promise<boolean> => {
    const answer = await fetch(program.url).catch(() => undefined)
    await answer?.body?.cancel()
    return answer?.ok === true
  }

  const becomesReady = async (): Promise<boolean> => {
    for (let waitedMs = 0; waitedMs < readyWithinMs && child !== undefined; waitedMs += askAgainMs) {
      if (await answers()) return true
      await pause(askAgainMs)
    }
    return false
  }

  return {
    get running() {
      return child !== undefined
    },
    start: async () => {
      if (child === undefined) {
        // Another's answer would pass for ours.
        if (await answers()) return 'taken'
        const started = spawn(process.execPath, program.command, {
          cwd: root,
          env: { ...process.env, ...program.environment },
          stdio: ['ignore', 'inherit', 'inherit'],
        })
        child = started
        started.on('exit', (code, signal) => {
          if (child !== started) return
          child = undefined
          onEnd(signal ?? `exit code ${code}`)
        })
      }
      return (await becomesReady()) ? 'ready' : 'failed'
    },
    stop: async () => {
      const stopping = child
      child = undefined
      if (stopping === undefined || stopping.exitCode !== null || stopping.signalCode !== null) return
      const gone = once(stopping, 'exit')
      stopping.kill('SIGTERM')
      const impatient = setTimeout(() => stopping.kill('SIGKILL'), stopWithinMs)
      await gone
      clearTimeout(impatient)
    },
  }
}
