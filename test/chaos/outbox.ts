/** Deliveries that wait in a database, and processes that tell them: what several workers on one file do, with nothing around it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { SqlChanges } from '#adapters/sql/changes.ts'
import { createStores, type Stores } from '#adapters/sql/stores.ts'
import { hourMs } from '#gateway/kernel/clock.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { aDelivery, aLogout } from '#test/logout/builders.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'
import { silentLog } from '#test/support/silent-log.ts'

const program = fileURLToPath(new URL('worker.ts', import.meta.url))
/** Nothing here takes a minute; what does is broken. */
const settledWithinMs = 90_000
const retryForMs = 72 * hourMs

export interface Outbox extends AsyncDisposable {
  readonly app: Receiver
  readonly stores: Stores
  /** Adds so many Logouts of so many apps each. */
  owe(of: { readonly logouts: number; readonly apps: number }): Promise<void>
  /** Starts a process that tells apps. Resolves when it does. */
  startWorker(): Promise<Worker>
  /** How many deliveries stand as this. */
  count(where: string): number
  /** Resolves once nothing is pending. */
  settled(): Promise<void>
  /** Sessions that the app has heard of. */
  heardOf(): number
}

export interface Worker {
  signal(name: NodeJS.Signals): void
  /** Keeps its event loop busy for so long. */
  stall(ms: number): void
  /** Signals it and resolves when it is gone. */
  end(name: 'SIGKILL' | 'SIGTERM'): Promise<void>
}

/** A database in which nothing waits yet. All apps are at one server, which is up. */
export async function openOutbox(): Promise<Outbox> {
  const database = await openTestDatabase()
  const stores = createStores(database, 'default')
  const changes = await SqlChanges.open(database, silentLog)
  const app = await openReceiver()
  const looking = new Sqlite(database.file, { readonly: true })
  const count = (where: string): number =>
    looking.prepare<[], { n: number }>(`select count(*) as n from logout_deliveries where ${where}`).get()
      ?.n ?? 0
  const workers = new Set<ChildProcess>()
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    workers.delete(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    app,
    stores,
    owe: (of) =>
      database.transaction.run(async () => {
        const now = Date.now()
        for (let at = 0; at < of.logouts; at++) {
          const logout = aLogout({ startedAt: now, appSessions: of.apps })
          const owed = Array.from({ length: of.apps }, (_, number) =>
            aDelivery({
              logoutId: logout.id,
              appId: `app-${number}` as AppId,
              createdAt: now,
              progress: { dueAt: now, giveUpAt: now + retryForMs },
            }),
          )
          await stores.logouts.insert(logout, owed)
        }
        await changes.announce('deliveries')
      }),
    count,
    startWorker: async () => {
      const child = fork(program, [database.file, app.url], { stdio: 'inherit' })
      workers.add(child)
      await once(child, 'message')
      return {
        signal: (name) => void child.kill(name),
        stall: (ms) => void child.send(ms),
        end: (name) => end(child, name),
      }
    },
    settled: async () => {
      const deadline = performance.now() + settledWithinMs
      while (count("state = 'pending'") > 0) {
        if (performance.now() > deadline) throw new Error(`${count("state = 'pending'")} are still pending`)
        await sleep(20)
      }
    },
    heardOf: () => new Set(app.received.map(({ body }) => body)).size,
    [Symbol.asyncDispose]: async () => {
      for (const child of workers) await end(child, 'SIGKILL')
      looking.close()
      changes[Symbol.dispose]()
      await app[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
