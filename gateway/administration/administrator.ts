import type { AccountStore } from '../accounts/store.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Actor } from '../sessions/cause.ts'

/**
 * Who may give the commands of operators: an operator's account, whoever has a shell on the machine, and the configuration file.
 * Apps and people without the role cannot even be named here.
 */
export type Administrator = Extract<Actor, { kind: 'operator' | 'command-line' | 'configuration' }>

/**
 * Throws GatewayError `forbidden` unless `by` may administer at this instant: a page that was open when the role was taken away
 * must not act on it. Call it inside the command's transaction.
 */
export async function requireAdministrator(
  accounts: Pick<AccountStore, 'find'>,
  by: Administrator,
): Promise<void> {
  switch (by.kind) {
    case 'command-line':
    case 'configuration':
      return
    case 'operator': {
      const account = await accounts.find(by.accountId)
      if (account?.state === 'active' && account.operator) return
      throw new GatewayError('forbidden', 'Only an operator may do this.')
    }
    default:
      return by satisfies never
  }
}
