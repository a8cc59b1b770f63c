/** The names of people and apps, as the operators' pages show them. */
import type { ConsoleActor } from '#views/pages/console-words.ts'
import { type Account, foldEmail } from '../accounts/account.ts'
import type { App } from '../apps/app.ts'
import { type AccountId, parseAccountId, parseAppId } from '../kernel/ids.ts'
import type { Actor } from '../sessions/cause.ts'
import type { ConsoleDeps } from './deps.ts'

export type Names = ReturnType<typeof createNames>

/** Looks each account up once: make one for each page. */
export function createNames(deps: Pick<ConsoleDeps, 'accounts' | 'apps'>) {
  const known = new Map<AccountId, Promise<Account | undefined>>()
  const account = (id: AccountId): Promise<Account | undefined> => {
    const asked = known.get(id) ?? deps.accounts.find(id)
    known.set(id, asked)
    return asked
  }

  return {
    account,

    /** Who acted. An account that is gone has only its id. */
    async actor(actor: Actor): Promise<ConsoleActor> {
      switch (actor.kind) {
        case 'account':
        case 'operator':
          return { kind: actor.kind, name: (await account(actor.accountId))?.name ?? actor.accountId }
        case 'app':
          return { kind: 'app', name: deps.apps.find(actor.appId)?.name ?? actor.appId }
        case 'api-key':
          return { kind: 'api-key', name: actor.apiKeyId }
        case 'command-line':
        case 'configuration':
        case 'gateway':
          return { kind: actor.kind }
        default:
          return actor satisfies never
      }
    },
  }
}

/** The account that was typed as an e-mail or an id; one that is gone is still known by its id. */
export async function findAccountId(
  accounts: ConsoleDeps['accounts'],
  typed: string,
): Promise<AccountId | undefined> {
  const folded = foldEmail(typed)
  if (folded !== undefined) return (await accounts.findByFoldedEmail(folded))?.id
  return parseAccountId(typed)
}

/** The app that was typed as an id or a name, whatever its letters' case. */
export function findApp(apps: ConsoleDeps['apps'], typed: string): App | undefined {
  const id = parseAppId(typed)
  const byId = id === undefined ? undefined : apps.find(id)
  const name = typed.toLowerCase()
  return byId ?? apps.list().find((app) => app.name.toLowerCase() === name)
}
