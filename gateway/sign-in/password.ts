/**
 * Proving by password.
 *
 * Owns: that an unknown account, a disabled one, one without a password and a wrong password are the same to whoever asks: one hash
 * of the same cost, one answer (N-125). Relies on: `accounts/passwords` for bounds. Never: counts guesses; that is `throttle`.
 */
import type { Account } from '../accounts/account.ts'
import type { Passwords, PasswordsBusy } from '../accounts/passwords.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AccountId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Proof } from './attempt.ts'

export type PasswordProving =
  | { readonly kind: 'proved'; readonly proof: Proof }
  /** `reason` and `accountId` are for the audit trail and never reach the browser. */
  | { readonly kind: 'refused'; readonly reason: string; readonly accountId?: AccountId }
  | PasswordsBusy

export interface PasswordMethodDeps {
  readonly accounts: Pick<AccountStore, 'findByFoldedEmail' | 'passwordHashOf' | 'rehashPassword'>
  readonly passwords: Passwords
  readonly transaction: Transaction
  readonly clock: Clock
}

export type PasswordMethod = ReturnType<typeof createPasswordMethod>

/** Creates the method. */
export function createPasswordMethod({ accounts, passwords, transaction, clock }: PasswordMethodDeps) {
  /** Under today's parameters, while the password is at hand. A full queue leaves it for another time. */
  const rehash = async (account: Account, from: string, password: string): Promise<void> => {
    const made = await passwords.hash(password)
    if (made.kind === 'busy') return
    await transaction.run(() => accounts.rehashPassword(account.id, from, made.hash), { durable: true })
  }

  return {
    /** `foldedEmail` is undefined for what cannot be an address, which then costs what any unknown one costs. */
    prove: async (foldedEmail: string | undefined, password: string): Promise<PasswordProving> => {
      const account = foldedEmail === undefined ? undefined : await accounts.findByFoldedEmail(foldedEmail)
      const passwordHash = account?.state === 'active' ? await accounts.passwordHashOf(account.id) : undefined
      const outcome = await passwords.verify(passwordHash, password)
      if (outcome.kind === 'busy') return outcome
      if (outcome.kind === 'wrong' || account === undefined || passwordHash === undefined) {
        return account === undefined
          ? { kind: 'refused', reason: 'unknown-account' }
          : { kind: 'refused', reason: refusalOf(account), accountId: account.id }
      }
      if (outcome.rehash) await rehash(account, passwordHash, password)
      return {
        kind: 'proved',
        proof: {
          method: 'password',
          accountId: account.id,
          at: clock.now(),
          passwordChangedAt: account.passwordChangedAt,
        },
      }
    },
  }
}

function refusalOf(account: Account): string {
  if (account.state === 'disabled') return 'disabled'
  return account.hasPassword ? 'wrong-password' : 'no-password'
}
