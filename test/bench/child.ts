/** A process of the benchmark: the driver asks and it answers, one question at a time, until the driver ends. */
import { type ChildProcess, fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Child<Ready, Question, Answer> extends AsyncDisposable {
  /** What it said when it was ready. */
  readonly ready: Ready
  ask(question: Question): Promise<Answer>
}

/** Starts `script` (in this folder) and waits until it is ready. */
export async function startChild<Ready, Question extends Serializable, Answer>(
  script: string,
  args: readonly string[] = [],
): Promise<Child<Ready, Question, Answer>> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ready = (await message(child, script)) as Ready
  return {
    ready,
    ask: async (question) => {
      const answer = message(child, script)
      child.send(question)
      return (await answer) as Answer
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

async function message(child: ChildProcess, script: string): Promise<unknown> {
  const done = new AbortController()
  const ended = once(child, 'exit', { signal: done.signal }).then(() => {
    throw new Error(`${script} has ended`)
  })
  try {
    const [said] = await Promise.race([once(child, 'message', { signal: done.signal }), ended])
    return said
  } finally {
    ended.catch(() => {})
    done.abort()
  }
}

/** The child's half: says that it is ready, answers questions, and ends with the driver. */
export function serveAsChild<Question, Answer>(
  ready: unknown,
  answer: (question: Question) => Answer | Promise<Answer>,
  close: () => Promise<void>,
): void {
  process.on('message', (question) => {
    // A question that cannot be answered ends the process, and with it the benchmark.
    void Promise.resolve(answer(question as Question)).then((of) => process.send?.(of))
  })
  process.on('disconnect', () => void close().then(() => process.exit(0)))
  process.send?.(ready)
}

/** Milliseconds of CPU, user and system, of this whole process since it started. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Milliseconds on a clock that all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
