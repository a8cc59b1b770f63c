import type { AwayApp } from '#views/pages/account-away.ts'
import type { Account } from '../accounts/account.ts'
import { type OfflineAccess, offlineEndsAt } from '../sessions/offline-access.ts'
import type { PortalDeps } from './deps.ts'

/** One authorization each; a person's apps are far fewer, and each may have asked in every browser. */
const maxListed = 1_000

/** Apps that have access while the person is away, or will have once they leave: the one used last first, each once. */
export async function awayAppsOf(
  deps: PortalDeps,
  account: Account,
  now: number,
): Promise<readonly AwayApp[]> {
  const listed = await deps.tokens.listOffline({ accountId: account.id }, maxListed)
  // What has run out is none any more, whether or not the sweeper has been here.
  const live = listed.filter(
    (access) =>
      offlineEndsAt(access, deps.offlinePolicy) > now &&
      deps.apps.find(access.appId)?.offline === 'survives-sign-out',
  )
  return [...Map.groupBy(live, ({ appId }: OfflineAccess) => appId)].map(([id, accesses]) => ({
    id,
    app: { name: deps.apps.find(id)?.name ?? id },
    since: Math.min(...accesses.map(({ startedAt }) => startedAt)),
    lastUsedAt: Math.max(...accesses.map(({ lastUsedAt }) => lastUsedAt)),
  }))
}
