import type { Account as EngineAccount, FindAccount } from 'oidc-provider'
import type { Account } from '../accounts/account.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { App } from '../apps/app.ts'
import { toEpochSeconds } from '../kernel/clock.ts'
import { keyedDigest } from '../kernel/digest.ts'
import { type AccountId, parseAccountId } from '../kernel/ids.ts'

/** Which claims each scope stands for (OpenID Connect Core 1.0 section 5.4). */
export const claimsByScope = {
  openid: ['sub', 'acr', 'amr', 'auth_time'],
  profile: ['name', 'updated_at'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
} as const

/** The engine's question "who is this?". A disabled account is nobody (N-014, N-054). */
export function createFindAccount(accounts: AccountStore): FindAccount {
  return async (_ctx, id) => {
    const accountId = parseAccountId(id)
    const account = accountId === undefined ? undefined : await accounts.find(accountId)
    return account === undefined || account.state === 'disabled' ? undefined : engineAccount(account)
  }
}

function engineAccount(account: Account): EngineAccount {
  return {
    accountId: account.id,
    claims: async () => ({
      sub: account.id,
      name: account.name,
      updated_at: toEpochSeconds(account.updatedAt),
      email: account.email,
      // Addresses are entered by operators, never by the person, so they are as true as the operator's word.
      email_verified: true,
      groups: [...account.groups],
    }),
  }
}

/** The `sub` that an app knows a person by: the account's id, or one of its own where it asked for that (Core section 8). */
export function subjectFor(app: App, accountId: AccountId, pairwiseKey: Uint8Array): string {
  return app.oidc.metadata.subject_type === 'pairwise'
    ? pairwiseSubject(pairwiseKey, app.id, accountId)
    : accountId
}

/** Per app, not per host name: an app that moves keeps its people. */
export function pairwiseSubject(key: Uint8Array, appId: string, accountId: string): string {
  return keyedDigest(key, `subject/${appId}/${accountId}`)
}
