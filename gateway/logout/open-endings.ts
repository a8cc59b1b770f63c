/**
 * The endings that are not settled, from memory: what decides at read whether a session has ended by an instant (DECISIONS 23).
 *
 * Owns: that one which this process has committed is known here before anybody is answered, and one of another process within what
 * Changes promises. Relies on: EndJobStore. Never: says that one is settled before the store does.
 */
import type { Changes } from '../kernel/changes.ts'
import type { Log } from '../kernel/log.ts'
import { Snapshot } from '../kernel/snapshot.ts'
import type { OpenEnding } from '../sessions/ending.ts'
import type { EndJob, EndJobStore } from './store.ts'

export interface KnownEndings extends Disposable {
  readonly open: readonly OpenEnding[]
  /** Call it after the commit: from here on readers know of it. */
  add(job: EndJob): void
  onChange(listener: () => void): () => void
}

export async function openKnownEndings(deps: {
  readonly jobs: Pick<EndJobStore, 'open'>
  readonly changes: Changes
  readonly log: Log
}): Promise<KnownEndings> {
  // Committed here, and not read back yet.
  const own = new Set<EndJob>()
  let readSince: readonly EndJob[] = []
  const snapshot: Snapshot<readonly EndJob[]> = await Snapshot.open({
    topic: 'sessions',
    changes: deps.changes,
    log: deps.log,
    read: () => {
      readSince = [...own]
      return deps.jobs.open()
    },
  })
  let open: readonly OpenEnding[] = snapshot.value
  const listeners = new Set<() => void>()
  const put = (): void => {
    const stored = snapshot.value
    const known = new Set(stored.map(({ logoutId }) => logoutId))
    open = [...stored, ...[...own].filter(({ logoutId }) => !known.has(logoutId))]
    for (const listener of listeners) listener()
  }
  snapshot.onChange(() => {
    // A read that began after the commit knows better: the job is in it, or is settled by now.
    for (const job of readSince) own.delete(job)
    put()
  })

  return {
    get open() {
      return open
    },
    add: (job) => {
      own.add(job)
      put()
      void snapshot.reload()
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    [Symbol.dispose]: () => {
      snapshot[Symbol.dispose]()
      listeners.clear()
    },
  }
}
