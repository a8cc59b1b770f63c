/**
 * Proving by passkey.
 *
 * Owns: the order of the checks of WebAuthn Level 3, section 7.2, and whose passkey it is. Relies on: `challenges` for single use,
 * `webauthn` for the signature. Never: says which check failed to anyone but the operator.
 */
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AccountId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Proof } from './attempt.ts'
import type { Challenges } from './challenges.ts'
import type { RelyingParty } from './webauthn.ts'
import { parseAuthenticationResponse } from './webauthn-responses.ts'

export type PasskeyProving =
  | { readonly kind: 'proved'; readonly proof: Proof; readonly email: string }
  /** `reason` and `accountId` are for the audit trail and never reach the browser. */
  | {
      readonly kind: 'refused'
      readonly reason: string
      readonly accountId?: AccountId
      /** The gateway has no passkey of that id: whoever keeps it may forget it. */
      readonly unknownPasskey?: true
    }

export interface PasskeyMethodDeps {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly credentials: Pick<CredentialStore, 'findByWebauthnId' | 'recordUse'>
  readonly challenges: Challenges
  readonly relyingParty: RelyingParty
  readonly append: AppendAudit
  readonly clock: Clock
  readonly log: Log
}

/** What a ceremony belongs to. */
export interface CeremonyOwner {
  readonly handle: string
  readonly browser: string
}

/** Enough of a library's message to find the cause, which is most often an issuer that is not the address people use. */
const loggedReasonMaxLength = 300

const unknownPasskey: PasskeyProving = { kind: 'refused', reason: 'unknown-passkey', unknownPasskey: true }

export type PasskeyMethod = ReturnType<typeof createPasskeyMethod>

/** Creates the method. */
export function createPasskeyMethod(deps: PasskeyMethodDeps) {
  const { accounts, credentials, challenges, relyingParty, clock } = deps

  return {
    options: async (owner: CeremonyOwner): Promise<PublicKeyCredentialRequestOptionsJSON> =>
      relyingParty.requestOptions(await challenges.issue('sign-in', [owner.handle, owner.browser])),

    prove: async (owner: CeremonyOwner, given: unknown): Promise<PasskeyProving> => {
      // 1. Something that can be read.
      const answer = parseAuthenticationResponse(given)
      if (answer === undefined) return { kind: 'refused', reason: 'malformed' }
      const { response, challenge } = answer

      // 2. Our challenge, for this attempt and browser. Used up here, before anything else can fail.
      const issued = await challenges.redeem('sign-in', [owner.handle, owner.browser], challenge)
      if (issued === undefined) return { kind: 'refused', reason: 'challenge' }

      // 3. A passkey that we know now: a removed one is refused from the instant it is gone (N-146).
      const credential = await credentials.findByWebauthnId(response.id)
      if (credential === undefined) return unknownPasskey

      // 4. Of the person whom the authenticator names, who may sign in (step 6).
      const account = await accounts.find(credential.accountId)
      if (account === undefined) return { kind: 'refused', reason: 'unknown-account' }
      const refused = (reason: string): PasskeyProving => ({
        kind: 'refused',
        reason,
        accountId: account.id,
      })
      if (response.response.userHandle !== account.webauthnUser) return refused('user-handle')
      if (account.state !== 'active') return refused('disabled')

      // 5. Origin, flags, signature, backup state (steps 10 to 21).
      const verified = await relyingParty.verifyAssertion(response, challenge, credential)
      if (verified.kind === 'refused') {
        deps.log.info('A passkey was refused.', {
          reason: verified.reason.slice(0, loggedReasonMaxLength),
          credentialId: credential.id,
        })
        return refused('verification')
      }

      // 6. The counter, last: only a genuine signature says anything about it (step 22).
      const used = await credentials.recordUse(credential.id, { ...verified, at: clock.now() })
      switch (used) {
        case 'recorded':
          return {
            kind: 'proved',
            email: account.email,
            proof: {
              method: 'passkey',
              accountId: account.id,
              at: clock.now(),
              credentialId: credential.id,
              backupEligible: credential.backupEligible,
            },
          }
        case 'regressed':
          await deps.append(
            {
              type: 'passkey.counter-regressed',
              accountId: account.id,
              credentialId: credential.id,
              stored: credential.counter,
              shown: verified.counter,
            },
            { actor: { kind: 'gateway' } },
          )
          return refused('counter-regressed')
        case 'missing':
          return unknownPasskey
        default:
          return used satisfies never
      }
    },
  }
}
