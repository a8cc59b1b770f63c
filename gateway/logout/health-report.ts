import type { AppId } from '../kernel/ids.ts'
import type { AppDirectory } from './app-directory.ts'
import type { HealthStore, KnownApp } from './health-store.ts'

/** How telling an app goes, as pages, the command line and the API show it. */
export interface AppHealth {
  readonly appId: AppId
  readonly appName: string
  /** `failing`: it has not confirmed since some attempts. `down`: it does not answer either, and is only asked now and then. */
  readonly state: 'healthy' | 'failing' | 'down'
  /** Attempts in a row that it did not confirm. */
  readonly failures: number
  readonly failingSince?: number
  /** When an app that is down is asked next. */
  readonly probeAt?: number
  /** Of the last failure, as the end of a sentence: "it answered 404". */
  readonly reason?: string
  /** To the minute. */
  readonly lastConfirmedAt?: number
  /** Deliveries that wait for it, counted up to `pendingCountedTo`. */
  readonly pending: number
}

/** Counting reads each row: beyond this a list says "at least so many". */
export const pendingCountedTo = 10_000

export interface HealthReports {
  /** Every app that was ever told of a sign-out: those that are down first, then those that fail, then by name. */
  list(): Promise<readonly AppHealth[]>
}

/** Creates the reader of how apps are. */
export function createHealthReports(deps: {
  readonly health: Pick<HealthStore, 'list'>
  readonly apps: AppDirectory
}): HealthReports {
  return {
    list: async () => {
      const known = await deps.health.list(pendingCountedTo)
      return known.map((app) => healthOf(app, deps.apps)).sort(worstFirst)
    },
  }
}

function healthOf({ reachability, pending }: KnownApp, apps: AppDirectory): AppHealth {
  const { silences: _, breaker, ...known } = reachability
  return {
    ...known,
    appName: apps.find(known.appId)?.name ?? known.appId,
    state: breaker !== undefined ? 'down' : known.failures > 0 ? 'failing' : 'healthy',
    ...(breaker === undefined ? {} : { probeAt: breaker.probeAt }),
    pending,
  }
}

const severity: Readonly<Record<AppHealth['state'], number>> = { down: 0, failing: 1, healthy: 2 }

function worstFirst(one: AppHealth, other: AppHealth): number {
  return severity[one.state] - severity[other.state] || one.appName.localeCompare(other.appName)
}
