/** What a contestant of the benchmark is to the driver: a process of its own that serves HTTP and tells what it has used of the CPU. */
import { cpuMs, serveAsChild, startChild } from './child.ts'

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

/** Starts `script` (in this folder) and waits until it serves. */
export async function startContestant(name: string, script: string, paths: Paths): Promise<Contestant> {
  const child = await startChild<string, 'cpu', number>(script)
  return {
    name,
    issuer: child.ready,
    paths,
    cpuMs: () => child.ask('cpu'),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

/** The contestant's half. */
export function serveAsContestant(issuer: string, close: () => Promise<void>): void {
  serveAsChild(issuer, cpuMs, close)
}
