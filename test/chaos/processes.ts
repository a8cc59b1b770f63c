/** Apps and people in processes of their own, so that what is measured of a gateway in this one is its own share. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type FromApps = { readonly url: string } | { readonly heard: readonly (readonly [string, number])[] }
export type FromPerson = 'ready' | { readonly took: readonly number[] }
export type ToPerson = 'forget' | 'tell'

export interface AppsApart extends AsyncDisposable {
  readonly url: string
}

/** Starts the apps. `onHeard`: told of each `sid`, with the time of `performance.now()` in this process. */
export async function startAppsApart(onHeard: (sid: string, at: number) => void): Promise<AppsApart> {
  const child = start('apps.ts', [])
  const [first] = (await once(child, 'message')) as [FromApps]
  if (!('url' in first)) throw new Error('the apps did not say where they are')
  child.on('message', (message: FromApps) => {
    if ('heard' in message) for (const [sid, at] of message.heard) onHeard(sid, at - performance.timeOrigin)
  })
  return { url: first.url, [Symbol.asyncDispose]: () => end(child) }
}

export interface PersonApart extends AsyncDisposable {
  /** Forgets what was measured so far. */
  forget(): void
  /** How long each time took, in ms, since it last forgot. */
  took(): Promise<readonly number[]>
}

/** Starts somebody who opens this app, or signs in, again and again. */
export async function startPersonApart(
  what: 'open' | 'sign-in',
  of: { readonly issuer: string; readonly appId: string; readonly appUrl: string },
): Promise<PersonApart> {
  const child = start('person.ts', [what, of.issuer, of.appId, of.appUrl])
  const failed = once(child, 'exit').then(() => {
    throw new Error('the person has given up')
  })
  failed.catch(() => {})
  await Promise.race([once(child, 'message'), failed])
  const send = (message: ToPerson): void => void child.send(message)
  return {
    forget: () => send('forget'),
    took: async () => {
      const answered = once(child, 'message')
      send('tell')
      const [answer] = (await Promise.race([answered, failed])) as [FromPerson]
      return answer === 'ready' ? [] : answer.took
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

function start(program: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(program, import.meta.url)), args, { stdio: 'inherit' })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
