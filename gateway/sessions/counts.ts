import type { AccountId, AppId } from '../kernel/ids.ts'
import type { SessionCounts, SessionWhere } from './ending.ts'
import type { SessionCursor, SessionSelection } from './store.ts'

/** Looked at in one statement: a few milliseconds. */
const lookedAtOnce = 2_000

/**
 * Counts what the conditions find among the sessions that began by `startedBy`, in steps.
 *
 * @param giveWay awaited between two steps: outside a transaction it lets others have their turn.
 */
export async function countSessions(
  store: Pick<SessionSelection, 'walk' | 'countApps'>,
  where: SessionWhere,
  startedBy: number,
  giveWay: () => Promise<void> = async () => {},
): Promise<SessionCounts> {
  const accounts = new Set<AccountId>()
  const apps = new Set<AppId>()
  let ssoSessions = 0
  let appSessions = 0
  const add = (counts: Awaited<ReturnType<typeof store.countApps>>): void => {
    for (const { appId, count } of counts) {
      apps.add(appId)
      appSessions += count
    }
  }
  // An index knows how many there are of all; looking for those of each session would take four times as long.
  const isEveryone = Object.keys(where).length === 0
  if (isEveryone) add(await store.countApps('all'))
  let after: SessionCursor | undefined
  do {
    const { matched, next } = await store.walk(where, {
      startedBy,
      limit: lookedAtOnce,
      ...(after === undefined ? {} : { after }),
    })
    for (const { accountId } of matched) accounts.add(accountId)
    if (!isEveryone) add(await store.countApps(matched.map(({ id }) => id)))
    ssoSessions += matched.length
    after = next
    if (after !== undefined) await giveWay()
  } while (after !== undefined)
  return { ssoSessions, appSessions, accounts: accounts.size, apps: apps.size }
}
