import { hourMs } from '#gateway/kernel/clock.ts'
import {
  type AccountId,
  type AppId,
  type AppSessionId,
  type DeliveryId,
  type LogoutId,
  newId,
} from '#gateway/kernel/ids.ts'
import type { Logout, LogoutDelivery, Pending, PendingDelivery } from '#gateway/logout/delivery.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

const random = createSeededRandom('logout builders')

export const ada = 'ada' as AccountId
export const wiki = 'wiki' as AppId
export const mail = 'mail' as AppId

/** When everything in these tests begins. */
export const noon = Date.UTC(2026, 2, 2, 12)

/** A Logout by its person, at noon, of one session. */
export function aLogout(more: Partial<Logout> = {}): Logout {
  return {
    id: newId('logout', random),
    cause: 'account',
    actor: { kind: 'account', accountId: ada },
    accountId: ada,
    startedAt: noon,
    ssoSessions: 1,
    appSessions: 1,
    notWanted: 0,
    ...more,
  }
}

/** A delivery to the wiki that nobody has tried yet, due at noon and given up 72 h later. */
export function aDelivery(
  of: { readonly logoutId?: LogoutId; readonly progress?: Partial<Pending> } & Partial<
    Omit<LogoutDelivery, 'progress'>
  > = {},
): PendingDelivery {
  const { progress, ...more } = of
  const id = newId('delivery', random)
  return {
    id,
    logoutId: 'lgo_unknown' as LogoutId,
    appSessionId: id.replace('dlv', 'aps') as AppSessionId,
    appId: wiki,
    accountId: ada,
    sid: `sid-${id}`,
    channel: 'back-channel',
    createdAt: noon,
    attempts: 0,
    ...more,
    progress: { state: 'pending', dueAt: noon, giveUpAt: noon + 72 * hourMs, refusals: 0, ...progress },
  }
}

export const unknownDelivery = 'dlv_unknown' as DeliveryId
