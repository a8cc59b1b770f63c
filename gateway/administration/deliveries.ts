/**
 * "Tell them now", for operators.
 *
 * Owns: who may, that what is asked for exists, and the line in the audit trail. Relies on: logout/retry for the work.
 * Never: talks to an app; the dispatcher does, as soon as this has committed.
 */
import type { AccountStore } from '../accounts/store.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { AppendAudit } from '../audit/event.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AppId, DeliveryId, LogoutId } from '../kernel/ids.ts'
import { type RetryDeps, retryDeliveries } from '../logout/retry.ts'
import type { RetrySelector } from '../logout/store.ts'
import { requirePermission, type ScopedAdministrator } from './permission.ts'
import type { ApiKeyStore } from './store.ts'

export interface DeliveryCommandsDeps extends Omit<RetryDeps, 'within'> {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly apiKeys: Pick<ApiKeyStore, 'find'>
  readonly apps: Pick<AppRegistry, 'find'>
  readonly audit: AppendAudit
}

export interface DeliveryCommands {
  /**
   * Makes what the app did not acknowledge due at once, refused and abandoned deliveries too. Returns how many. Throws GatewayError
   * `delivery_not_found`, `logout_not_found`, `app_not_found`, and what `requirePermission` throws.
   */
  retry(selector: RetrySelector, by: ScopedAdministrator): Promise<number>
}

/** Creates the commands. */
export function createDeliveryCommands(deps: DeliveryCommandsDeps): DeliveryCommands {
  return {
    retry: (selector, by) =>
      retryDeliveries(
        {
          ...deps,
          // Each batch is a transaction of its own, and whoever may no longer ask is stopped at the next one.
          within: async (retryBatch) => {
            await requirePermission(deps, by, 'logouts:retry')
            const named = await namesOf(deps, selector)
            const count = await retryBatch()
            if (count > 0) await deps.audit({ type: 'delivery.retried', ...named, count }, { actor: by })
            return count
          },
        },
        selector,
      ),
  }
}

/** What the line in the trail names. */
async function namesOf(
  deps: DeliveryCommandsDeps,
  selector: RetrySelector,
): Promise<{ readonly deliveryId?: DeliveryId; readonly logoutId?: LogoutId; readonly appId?: AppId }> {
  switch (selector.kind) {
    case 'delivery': {
      const delivery = await deps.logouts.findDelivery(selector.id)
      if (delivery === undefined) throw new GatewayError('delivery_not_found', 'There is no such delivery.')
      return { deliveryId: delivery.id, appId: delivery.appId }
    }
    case 'logout':
      if ((await deps.logouts.find(selector.id)) !== undefined) return { logoutId: selector.id }
      throw new GatewayError('logout_not_found', 'There is no such Logout.')
    case 'app':
      if (deps.apps.find(selector.appId) !== undefined) return { appId: selector.appId }
      throw new GatewayError('app_not_found', 'There is no such app.')
    case 'all':
      return {}
    default:
      return selector satisfies never
  }
}
