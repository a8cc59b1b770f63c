/** What a contestant of the benchmark is to the driver: a process of its own that serves HTTP and tells what it has used of the CPU. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Contestant extends AsyncDisposable {
  readonly name: string
  readonly issuer: string
  readonly paths: Paths
  /** Milliseconds of CPU, user and system, of the whole process since it started. */
  cpuMs(): Promise<number>
}

export interface Paths {
  readonly authorize: string
  readonly token: string
  readonly userinfo: string
  readonly introspect: string
  readonly jwks: string
}

export type FromContestant =
  | { readonly kind: 'ready'; readonly issuer: string }
  | { readonly kind: 'cpu'; readonly ms: number }

/** Starts `script` (in this folder) and waits until it serves. */
export async function startContestant(name: string, script: string, paths: Paths): Promise<Contestant> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [ready] = (await once(child, 'message')) as [FromContestant]
  if (ready.kind !== 'ready') throw new Error(`${name} did not start`)
  return {
    name,
    issuer: ready.issuer,
    paths,
    cpuMs: async () => {
      const answer = once(child, 'message')
      child.send('cpu')
      const [used] = (await answer) as [FromContestant]
      if (used.kind !== 'cpu') throw new Error(`${name} did not say what it used`)
      return used.ms
    },
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

/** The contestant's half: says that it is ready, answers questions, and ends with the driver. */
export function serveAsContestant(issuer: string, close: () => Promise<void>): void {
  const send = (message: FromContestant): void => {
    process.send?.(message)
  }
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    send({ kind: 'cpu', ms: (user + system) / 1_000 })
  })
  process.on('disconnect', () => void close().then(() => process.exit(0)))
  send({ kind: 'ready', issuer })
}
