import type { PasskeyCredential } from '../accounts/credential.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { AccountId, CredentialId } from '../kernel/ids.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndResult } from '../sessions/ending.ts'
import type { AccountWrites } from './account-writes.ts'

export interface RemovedPasskey {
  readonly credential: PasskeyCredential
  readonly ended: EndResult
}

/**
 * What sign-in asks for to remove a passkey: it goes the one way that all writes of accounts go, which ends the sessions that it opened.
 * Undefined when the account has no such passkey.
 */
export function createRemovePasskey(deps: {
  readonly accountWrites: AccountWrites
  readonly append: AppendAudit
}) {
  return async (of: {
    readonly accountId: AccountId
    readonly credentialId: CredentialId
    readonly actor: Actor
  }): Promise<RemovedPasskey | undefined> => {
    const { accountId, credentialId, actor } = of
    const { result: credential, ended } = await deps.accountWrites.run(accountId, actor, async (pen) => {
      const removed = await pen.removePasskey(credentialId)
      if (removed !== undefined)
        await deps.append({ type: 'passkey.removed', accountId, credentialId }, { actor })
      return removed
    })
    return credential === undefined ? undefined : { credential, ended }
  }
}
