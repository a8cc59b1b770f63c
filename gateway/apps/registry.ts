import type { Changes } from '../kernel/changes.ts'
import type { AppId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { Snapshot } from '../kernel/snapshot.ts'
import type { App } from './app.ts'
import type { AppStore } from './store.ts'

/**
 * Every app, ready to be asked for synchronously: an authorization costs no query for its app. What a command or another process
 * changes is here within a second; `reload` makes it so at once.
 */
export interface AppRegistry extends Disposable {
  /** Disabled apps are found too, and removed ones while they are kept; whoever acts on one looks at its state. */
  find(id: AppId): App | undefined
  /** Never a removed one. */
  findByClientId(clientId: string): App | undefined
  /** By name, then id; without removed ones. */
  list(): readonly App[]
  /** Reads the store again. Never throws: when it cannot answer, what is known stays and another try follows. */
  reload(): Promise<void>
  onChange(listener: () => void): () => void
}

interface Compiled {
  readonly byId: ReadonlyMap<AppId, App>
  readonly byClientId: ReadonlyMap<string, App>
  readonly list: readonly App[]
}

export async function openAppRegistry(deps: {
  readonly store: AppStore
  readonly changes: Changes
  readonly log: Log
}): Promise<AppRegistry> {
  let last: ReadonlyMap<AppId, App> = new Map()
  const read = async (): Promise<Compiled> => {
    const compiled = compile((await deps.store.list()).map((app) => unlessChanged(last.get(app.id), app)))
    last = compiled.byId
    return compiled
  }
  const snapshot = await Snapshot.open({ topic: 'apps', changes: deps.changes, log: deps.log, read })
  return {
    find: (id) => snapshot.value.byId.get(id),
    findByClientId: (clientId) => snapshot.value.byClientId.get(clientId),
    list: () => snapshot.value.list,
    reload: () => snapshot.reload(),
    onChange: (listener) => snapshot.onChange(listener),
    [Symbol.dispose]: () => snapshot[Symbol.dispose](),
  }
}

/** An app that did not change stays the same object, so that what others compiled from it stays good. */
function unlessChanged(before: App | undefined, now: App): App {
  return before?.updatedAt === now.updatedAt ? before : now
}

function compile(apps: readonly App[]): Compiled {
  const present = apps.filter(({ removedAt }) => removedAt === undefined)
  return {
    byId: new Map(apps.map((app) => [app.id, app])),
    byClientId: new Map(present.map((app) => [app.oidc.clientId, app])),
    list: present.toSorted((a, b) => a.name.localeCompare(b.name, 'en') || (a.id < b.id ? -1 : 1)),
  }
}
