/**
 * Adding, naming and removing passkeys.
 *
 * Owns: when a session is strong and fresh enough to add one, how many an account may have, and that removing one ends the sessions
 * it opened, in the same transaction. Relies on: `challenges`, `webauthn`, `RemovePasskey` for the end of those sessions.
 * Never: signs anyone in.
 */
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import { authenticatorName } from '../accounts/authenticator-names.ts'
import type { PasskeyCredential } from '../accounts/credential.ts'
import { parseName } from '../accounts/directory.ts'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import { type Clock, minuteMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, type CredentialId, newId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { type Acr, twoFactors } from '../sessions/assurance.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndResult } from '../sessions/ending.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'
import type { Wanted } from './attempt.ts'
import type { Challenges } from './challenges.ts'
import type { RelyingParty } from './webauthn.ts'
import { parseRegistrationResponse } from './webauthn-responses.ts'

/** A person's passkeys: adding, naming and removing them. */
export interface Passkeys {
  list(accountId: AccountId): Promise<readonly PasskeyCredential[]>
  /**
   * Options for the browser. The session must have been proved at most ten minutes ago, and with a passkey where the account has
   * one already: else whoever phished a password could turn it into a passkey of their own.
   */
  registrationOptions(session: SsoSession): Promise<RegistrationOptions>
  register(session: SsoSession, response: unknown): Promise<RegistrationOutcome>
  /** False when the account has no such passkey. Throws GatewayError `input_invalid` for what cannot be a name. */
  rename(of: {
    readonly accountId: AccountId
    readonly credentialId: CredentialId
    readonly name: string
    readonly actor: Actor
  }): Promise<boolean>
  /** Ends the sessions that it opened. A person cannot remove their only way to sign in; an operator can. */
  remove(of: {
    readonly accountId: AccountId
    readonly credentialId: CredentialId
    readonly actor: Actor
    /** How strong the session is that asks; only where owners ask for themselves. */
    readonly acr?: Acr
  }): Promise<RemovalOutcome>
}

export type RegistrationOptions =
  | { readonly kind: 'options'; readonly options: PublicKeyCredentialCreationOptionsJSON }
  /** `wanted` is what to begin a sign-in with; after it the session will do. */
  | { readonly kind: 'fresh-proof-needed'; readonly wanted: Wanted }
  | { readonly kind: 'too-many' }
  | { readonly kind: 'session-ended' }

export type RegistrationOutcome =
  | { readonly kind: 'added'; readonly credential: PasskeyCredential }
  | { readonly kind: 'too-many' }
  /** This authenticator holds a passkey that is known already. */
  | { readonly kind: 'exists' }
  /** The ceremony is over, was begun elsewhere, or what came back does not verify. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'session-ended' }

export type RemovalOutcome =
  | { readonly kind: 'removed'; readonly credential: PasskeyCredential; readonly ended: EndResult }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'only-way-in' }
  /** `wanted` is what to begin a sign-in with; after it the session will do. */
  | { readonly kind: 'stronger-proof-needed'; readonly wanted: Wanted }

/**
 * Removes a passkey and ends the sessions that it opened. Declared here, implemented where all writes of accounts are
 * (`administration/account-writes`). Undefined when the account has no such passkey.
 */
export type RemovePasskey = (of: {
  readonly accountId: AccountId
  readonly credentialId: CredentialId
  readonly actor: Actor
}) => Promise<{ readonly credential: PasskeyCredential; readonly ended: EndResult } | undefined>

export interface PasskeysDeps {
  readonly accounts: Pick<AccountStore, 'find' | 'findAndHold'>
  readonly credentials: CredentialStore
  readonly sessions: Pick<SessionStore, 'find'>
  readonly challenges: Challenges
  readonly relyingParty: RelyingParty
  readonly removePasskey: RemovePasskey
  readonly append: AppendAudit
  readonly transaction: Transaction
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Phones, laptops and keys of one person; options name each of them. */
export const passkeysMax = 20
/** Someone who walks up to an unlocked screen must not be able to leave a key behind (N-146). */
export const freshProofMs = 10 * minuteMs
const loggedReasonMaxLength = 300

/** Creates the commands. */
export function createPasskeys(deps: PasskeysDeps): Passkeys {
  const { accounts, credentials, challenges, relyingParty, clock } = deps

  const isLive = async (session: SsoSession): Promise<boolean> => {
    const now = await deps.sessions.find(session.id)
    return now !== undefined && now.ended === undefined
  }

  const store = async (
    session: SsoSession,
    credential: PasskeyCredential,
  ): Promise<Exclude<RegistrationOutcome['kind'], 'refused'>> => {
    const account = await accounts.findAndHold(session.accountId)
    // A session that ended while the authenticator was asked must not leave anything behind.
    if (account?.state !== 'active' || !(await isLive(session))) return 'session-ended'
    const inserted = await credentials.insert(credential, passkeysMax)
    if (inserted !== 'inserted') return inserted
    await deps.append(
      { type: 'passkey.added', accountId: account.id, credentialId: credential.id },
      { actor: { kind: 'account', accountId: account.id } },
    )
    return 'added'
  }

  return {
    list: credentials.listByAccount,

    registrationOptions: async (session) => {
      const account = await accounts.find(session.accountId)
      if (account?.state !== 'active' || !(await isLive(session))) return { kind: 'session-ended' }
      const existing = await credentials.listByAccount(account.id)
      const provedAfter = clock.now() - freshProofMs
      const strong = existing.length === 0 || session.acr === twoFactors
      if (session.authenticatedAt < provedAfter || !strong) {
        const acr = existing.length === 0 ? {} : { acr: twoFactors }
        return { kind: 'fresh-proof-needed', wanted: { accountId: account.id, provedAfter, ...acr } }
      }
      if (existing.length >= passkeysMax) return { kind: 'too-many' }
      const challenge = await challenges.issue('registration', ownerOf(session))
      return { kind: 'options', options: relyingParty.creationOptions(challenge, account, existing) }
    },

    register: async (session, given) => {
      const answer = parseRegistrationResponse(given)
      if (answer === undefined) return { kind: 'refused' }
      // The challenge stands for the fresh proof: it was made for this session right after one.
      const issued = await challenges.redeem('registration', ownerOf(session), answer.challenge)
      if (issued === undefined) return { kind: 'refused' }
      const verified = await relyingParty.verifyRegistration(answer.response, answer.challenge)
      if (verified.kind === 'refused') {
        const reason = verified.reason.slice(0, loggedReasonMaxLength)
        deps.log.info('A passkey registration was refused.', { reason, accountId: session.accountId })
        return { kind: 'refused' }
      }
      const { kind: _, ...attested } = verified
      const credential: PasskeyCredential = {
        ...attested,
        id: newId('credential', deps.random),
        accountId: session.accountId,
        name: authenticatorName(attested.aaguid),
        createdAt: clock.now(),
      }
      const kind = await deps.transaction.run(() => store(session, credential), { durable: true })
      return kind === 'added' ? { kind, credential } : { kind }
    },

    rename: async (of) => {
      const name = parseName(of.name)
      if (name === undefined) {
        throw new GatewayError('input_invalid', 'A name has 1 to 100 characters.')
      }
      return deps.transaction.run(
        async () => {
          const credential = await credentials.find(of.credentialId)
          if (credential?.accountId !== of.accountId) return false
          await credentials.rename(of.credentialId, name)
          await deps.append(
            { type: 'passkey.renamed', accountId: of.accountId, credentialId: of.credentialId },
            { actor: of.actor },
          )
          return true
        },
        { durable: true },
      )
    },

    remove: (of) =>
      deps.transaction.run(
        async () => {
          // Held, so that of two last passkeys removed at once one stays.
          const account = await accounts.findAndHold(of.accountId)
          const held = await credentials.listByAccount(of.accountId)
          if (account === undefined || !held.some(({ id }) => id === of.credentialId)) {
            return { kind: 'not-found' }
          }
          if (of.actor.kind === 'account' && held.length === 1 && !account.hasPassword) {
            return { kind: 'only-way-in' }
          }
          // Without this, a phished password could clear the way for a passkey of the phisher's: an account that has none takes its
          // first from a password. One of several may go by password; who has lost their only one asks an operator (N-154).
          if (of.actor.kind === 'account' && held.length === 1 && of.acr !== twoFactors) {
            const provedAfter = clock.now() - freshProofMs
            return {
              kind: 'stronger-proof-needed',
              wanted: { accountId: account.id, provedAfter, acr: twoFactors },
            }
          }
          const removed = await deps.removePasskey(of)
          return removed === undefined ? { kind: 'not-found' } : { kind: 'removed', ...removed }
        },
        { durable: true },
      ),
  }
}

/** A registration belongs to a session: its browser, its account, its fresh proof. */
function ownerOf(session: SsoSession): readonly string[] {
  return [session.accountId, session.id]
}
