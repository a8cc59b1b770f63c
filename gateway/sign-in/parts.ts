import type { Passwords } from '../accounts/passwords.ts'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { EndSession } from '../sessions/ending.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SessionStore } from '../sessions/store.ts'
import { createChallenges } from './challenges.ts'
import { createComplete } from './complete.ts'
import { createPasskeyMethod } from './passkey.ts'
import { createPasskeys, type Passkeys, type RemovePasskey } from './passkeys.ts'
import { createPasswordMethod } from './password.ts'
import { createSetUp, type SetUp } from './set-up.ts'
import { createSignIn, type SignIn } from './sign-in.ts'
import { createRelyingParty, type RelyingPartyOptions } from './webauthn.ts'

export interface SignInPartsDeps {
  readonly accounts: AccountStore
  readonly credentials: CredentialStore
  readonly sessions: Pick<SessionStore, 'find' | 'leastRecentlyUsed'>
  readonly registry: Pick<SessionRegistry, 'begin' | 'strengthen'>
  readonly endSession: EndSession
  readonly removePasskey: RemovePasskey
  readonly passwords: Passwords
  readonly ephemeral: Ephemeral
  readonly append: AppendAudit
  readonly transaction: Transaction
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly relyingParty: RelyingPartyOptions
  /** Sessions that an account may have at once; 0 means any number. */
  readonly maxPerAccount: number
}

export interface SignInParts {
  readonly signIn: SignIn
  readonly passkeys: Passkeys
  readonly setUp: SetUp
}

/** Everything of this folder that others call, put together once from what it needs. */
export function createSignInParts(given: SignInPartsDeps): SignInParts {
  const shared = {
    ...given,
    challenges: createChallenges(given),
    relyingParty: createRelyingParty(given.relyingParty),
  }
  return {
    signIn: createSignIn({
      ...given,
      password: createPasswordMethod(given),
      passkey: createPasskeyMethod(shared),
      complete: createComplete(given),
    }),
    passkeys: createPasskeys(shared),
    setUp: createSetUp(shared),
  }
}
