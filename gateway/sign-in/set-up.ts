/**
 * The first operator's account.
 *
 * Owns: that set-up makes one account, once. Relies on: `AccountStore.insertFirstOperator`, which lets one of any number of calls
 * win, so that however many links are open, set-up cannot be run again (N-195). Never: a default account or password.
 */
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import { z } from 'zod'
import type { Account } from '../accounts/account.ts'
import { authenticatorName } from '../accounts/authenticator-names.ts'
import type { PasskeyCredential } from '../accounts/credential.ts'
import {
  createAccount,
  type NewPasswordProblem,
  newPasswordProblem,
  parseEmail,
  parseName,
} from '../accounts/directory.ts'
import type { Passwords } from '../accounts/passwords.ts'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Clock } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AccountId, newId, parseAccountId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Actor } from '../sessions/cause.ts'
import type { Authentication, SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { Proof } from './attempt.ts'
import type { Challenges } from './challenges.ts'
import type { Begun } from './complete.ts'
import { authenticationOf } from './decision.ts'
import { passkeysMax } from './passkeys.ts'
import { createSetUpLinks } from './set-up-link.ts'
import type { RelyingParty } from './webauthn.ts'
import { parseRegistrationResponse } from './webauthn-responses.ts'

/** Making the first operator's account with a link that the first start prints (N-195). */
export interface SetUp {
  /** True while the link may be used. */
  isOpen(token: string): Promise<boolean>
  completeWithPassword(of: SetUpRequest & { readonly password: string }): Promise<SetUpOutcome>
  passkeyOptions(of: {
    readonly token: string
    readonly browser: string
    readonly email: string
    readonly name: string
  }): Promise<SetUpOptions>
  completeWithPasskey(of: SetUpCompletion & { readonly response: unknown }): Promise<SetUpOutcome>
}

/** Where a request comes from, as the edge has established it. */
export interface SetUpCompletion {
  readonly token: string
  readonly browser: string
  readonly address: string
  readonly userAgent: string
}

export interface SetUpRequest extends SetUpCompletion {
  readonly email: string
  readonly name: string
}

/** What is wrong with what was typed, by field. */
export interface SetUpProblems {
  readonly email?: 'invalid' | 'taken'
  readonly name?: 'invalid'
  readonly password?: NewPasswordProblem
}

export type SetUpOptions =
  | { readonly kind: 'options'; readonly options: PublicKeyCredentialCreationOptionsJSON }
  | { readonly kind: 'invalid'; readonly problems: SetUpProblems }
  | { readonly kind: 'link-invalid' }

export type SetUpOutcome =
  | { readonly kind: 'signed-in'; readonly session: SsoSession; readonly secret: string }
  | { readonly kind: 'invalid'; readonly problems: SetUpProblems }
  /** The link is unknown, used, over, or an operator exists. */
  | { readonly kind: 'link-invalid' }
  /** The passkey ceremony failed; the link is still good. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

export interface SetUpDeps {
  readonly accounts: Pick<AccountStore, 'anyOperator' | 'insertFirstOperator'>
  readonly credentials: Pick<CredentialStore, 'insert'>
  readonly passwords: Passwords
  readonly challenges: Challenges
  readonly relyingParty: RelyingParty
  readonly registry: Pick<SessionRegistry, 'begin'>
  readonly ephemeral: Ephemeral
  readonly append: AppendAudit
  readonly transaction: Transaction
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const loggedReasonMaxLength = 300

/** What proves the new operator at once, so that set-up ends signed in. */
type Way =
  | { readonly method: 'password'; readonly passwordHash: string }
  | { readonly method: 'passkey'; readonly credential: PasskeyCredential }

/** Creates the commands. */
export function createSetUp(deps: SetUpDeps): SetUp {
  const { accounts, clock } = deps
  const links = createSetUpLinks(deps)

  const isOpen = async (token: string): Promise<boolean> =>
    (await links.isGood(token)) && !(await accounts.anyOperator())

  const begin = async (account: Account, way: Way, of: SetUpCompletion): Promise<Begun> => {
    const actor: Actor = { kind: 'account', accountId: account.id }
    await deps.append({ type: 'set-up-link.used', accountId: account.id }, { actor })
    await deps.append({ type: 'account.created', accountId: account.id }, { actor })
    if (way.method === 'passkey') {
      const inserted = await deps.credentials.insert(way.credential, passkeysMax)
      // Thrown, because the account must not stay behind without a way in.
      if (inserted !== 'inserted') {
        throw new GatewayError('credential_exists', 'This passkey belongs to an account already.')
      }
      await deps.append(
        { type: 'passkey.added', accountId: account.id, credentialId: way.credential.id },
        { actor },
      )
    }
    const authentication = authenticationBy(account, way, clock.now())
    const begun = await deps.registry.begin({
      accountId: account.id,
      authentication,
      remembered: false,
      address: of.address,
      userAgent: of.userAgent,
    })
    await deps.append(
      {
        type: 'session.started',
        accountId: account.id,
        ssoSessionId: begun.session.id,
        methods: authentication.methods,
        address: of.address,
      },
      { actor },
    )
    return begun
  }

  /** Uses the link up, and makes the account, its way in and its session together or not at all. */
  const conclude = async (account: Account, way: Way, of: SetUpCompletion): Promise<SetUpOutcome> => {
    const link = await links.claim(of.token)
    if (link === undefined) return { kind: 'link-invalid' }
    let outcome: SetUpOutcome
    try {
      outcome = await deps.transaction.run(
        async (): Promise<SetUpOutcome> => {
          const passwordHash = way.method === 'password' ? { passwordHash: way.passwordHash } : {}
          const inserted = await accounts.insertFirstOperator(account, passwordHash)
          switch (inserted) {
            case 'inserted':
              return { kind: 'signed-in', ...(await begin(account, way, of)) }
            case 'operator-exists':
              return { kind: 'link-invalid' }
            case 'email-taken':
            case 'id-taken':
              return { kind: 'invalid', problems: { email: 'taken' } }
            default:
              return inserted satisfies never
          }
        },
        { durable: true },
      )
    } catch (error) {
      await link.giveBack()
      throw error
    }
    if (outcome.kind === 'invalid') await link.giveBack()
    return outcome
  }

  return {
    isOpen,

    completeWithPassword: async (of) => {
      if (!(await isOpen(of.token))) return { kind: 'link-invalid' }
      const person = parsePerson(of)
      const password = newPasswordProblem(of.password, of.email)
      if (person.kind === 'invalid' || password !== undefined) {
        const problems = person.kind === 'invalid' ? person.problems : {}
        return { kind: 'invalid', problems: { ...problems, ...(password === undefined ? {} : { password }) } }
      }
      const hashed = await deps.passwords.hash(of.password)
      if (hashed.kind === 'busy') return hashed
      const account = createAccount({ ...person, operator: true }, clock.now(), deps.random)
      return conclude(account, { method: 'password', passwordHash: hashed.hash }, of)
    },

    passkeyOptions: async (of) => {
      if (!(await isOpen(of.token))) return { kind: 'link-invalid' }
      const person = parsePerson(of)
      if (person.kind === 'invalid') return person
      const account = createAccount({ ...person, operator: true }, clock.now(), deps.random)
      // The authenticator is told the account's user handle now, so the account that is made later has to be this one.
      const { id, email, name, webauthnUser } = account
      const kept = { id, email, name, webauthnUser }
      const challenge = await deps.challenges.issue('set-up', [digest(of.token), of.browser], kept)
      return { kind: 'options', options: deps.relyingParty.creationOptions(challenge, account, []) }
    },

    completeWithPasskey: async (of) => {
      if (!(await isOpen(of.token))) return { kind: 'link-invalid' }
      const answer = parseRegistrationResponse(of.response)
      if (answer === undefined) return { kind: 'refused' }
      const owner = [digest(of.token), of.browser]
      const kept = keptPerson.safeParse(await deps.challenges.redeem('set-up', owner, answer.challenge))
      if (!kept.success) return { kind: 'refused' }
      const verified = await deps.relyingParty.verifyRegistration(answer.response, answer.challenge)
      if (verified.kind === 'refused') {
        const reason = verified.reason.slice(0, loggedReasonMaxLength)
        deps.log.info('The first passkey was refused.', { reason })
        return { kind: 'refused' }
      }
      const { kind: _, ...attested } = verified
      const now = clock.now()
      const account: Account = {
        ...createAccount({ ...kept.data, operator: true }, now, deps.random),
        webauthnUser: kept.data.webauthnUser,
      }
      const credential: PasskeyCredential = {
        ...attested,
        id: newId('credential', deps.random),
        accountId: account.id,
        name: authenticatorName(attested.aaguid),
        createdAt: now,
      }
      return conclude(account, { method: 'passkey', credential }, of)
    },
  }
}

type Person =
  | { readonly kind: 'valid'; readonly email: string; readonly name: string }
  | { readonly kind: 'invalid'; readonly problems: SetUpProblems }

function parsePerson(of: { readonly email: string; readonly name: string }): Person {
  const email = parseEmail(of.email)
  const name = parseName(of.name)
  if (email !== undefined && name !== undefined) return { kind: 'valid', email, name }
  return {
    kind: 'invalid',
    problems: {
      ...(email === undefined ? { email: 'invalid' } : {}),
      ...(name === undefined ? { name: 'invalid' } : {}),
    },
  }
}

function authenticationBy(account: Account, way: Way, now: number): Authentication {
  const proof: Proof =
    way.method === 'password'
      ? { method: 'password', accountId: account.id, at: now, passwordChangedAt: account.createdAt }
      : {
          method: 'passkey',
          accountId: account.id,
          at: now,
          credentialId: way.credential.id,
          backupEligible: way.credential.backupEligible,
        }
  return authenticationOf([proof], now)
}

const keptPerson = z.object({
  id: z.custom<AccountId>((value) => parseAccountId(value) !== undefined),
  email: z.string(),
  name: z.string(),
  webauthnUser: z.string(),
})
