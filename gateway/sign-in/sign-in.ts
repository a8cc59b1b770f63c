/**
 * Signing in: from the page that asks to the session that begins.
 *
 * Owns: the order of throttle, proof, decision and completion. Relies on: each of them for its own rule. Never: HTTP, cookies or
 * pages; the edge hands in what it knows of the request and turns the outcome into an answer.
 */
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import { foldEmail } from '../accounts/account.ts'
import type { CredentialStore } from '../accounts/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import { type Clock, dayMs } from '../kernel/clock.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AccountId, AppId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import { journeyPath } from '../sessions/ending.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import { createAttempts, type Proof, type SignInAttempt, type Wanted } from './attempt.ts'
import type { Complete } from './complete.ts'
import { type Decision, decide } from './decision.ts'
import type { PasskeyMethod } from './passkey.ts'
import type { PasswordMethod } from './password.ts'
import { type Admission, createThrottle } from './throttle.ts'
import { createVisits } from './visits.ts'

/** Where a request comes from, as the edge has established it. */
export interface SignInRequest {
  readonly handle: string
  /** Value of the cookie that binds attempts to a browser. */
  readonly browser: string
  /** The client's address, by trusted proxies only. */
  readonly address: string
  readonly userAgent: string
  /** "Keep me signed in" was chosen. */
  readonly remember: boolean
  /** The browser's live session, if it has one. */
  readonly current?: SsoSession
}

export interface SignIn {
  /** Throws GatewayError `throttled` when one address begins too many. */
  begin(of: {
    readonly resumePath: string
    readonly appId?: AppId
    readonly loginHint?: string
    readonly browser: string
    readonly address: string
    readonly wanted: Wanted
  }): Promise<string>
  find(handle: string, browser: string): Promise<SignInAttempt | undefined>
  withPassword(
    of: SignInRequest & { readonly email: string; readonly password: string },
  ): Promise<SignInOutcome>
  /** Undefined when the attempt is over. Throws GatewayError `throttled` when one address asks for too many. */
  passkeyOptions(of: {
    readonly handle: string
    readonly browser: string
    readonly address: string
  }): Promise<PublicKeyCredentialRequestOptionsJSON | undefined>
  withPasskey(of: SignInRequest & { readonly response: unknown }): Promise<SignInOutcome>
}

export type SignInOutcome =
  | {
      readonly kind: 'signed-in'
      readonly session: SsoSession
      /** The cookie's next value. */
      readonly secret: string
      readonly remembered: boolean
      readonly resumePath: string
      /** Signed in with a password alone, has no passkey, and was not asked lately. */
      readonly offerPasskey: boolean
    }
  /**
   * Wrong e-mail, password or passkey, or another person than was wanted: never says which. `unknownPasskey` speaks of the passkey
   * that was shown, which no account has.
   */
  | { readonly kind: 'refused'; readonly unknownPasskey?: true }
  /** The password is right, but more strength is wanted. `hasPasskey` false: this account cannot give it. */
  | { readonly kind: 'more-needed'; readonly why: 'passkey'; readonly hasPasskey: boolean }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  /** The attempt is unknown, used, over, or of another browser. */
  | { readonly kind: 'expired' }

export interface SignInDeps {
  readonly ephemeral: Ephemeral
  readonly clock: Clock
  readonly random: Random
  readonly password: PasswordMethod
  readonly passkey: PasskeyMethod
  readonly complete: Complete
  readonly credentials: Pick<CredentialStore, 'listByAccount'>
  readonly append: AppendAudit
}

/** Who let the offer of a passkey go is not asked again for a month. */
const offerEveryMs = 30 * dayMs

/** Creates the sign-in. */
export function createSignIn(deps: SignInDeps): SignIn {
  const attempts = createAttempts(deps)
  const throttle = createThrottle(deps)
  const admitVisit = createVisits(deps)

  const throttled = async (
    refused: Extract<Admission, { kind: 'throttled' }>,
    address: string,
  ): Promise<SignInOutcome> => {
    if (refused.first) {
      const event = { type: 'sign-in.throttled', scope: refused.scope, address } as const
      await deps.append(event, { actor: { kind: 'gateway' } })
    }
    return { kind: 'throttled', retryAfterSeconds: refused.retryAfterSeconds }
  }

  const refused = async (
    method: Proof['method'],
    address: string,
    why: { readonly reason: string; readonly accountId?: AccountId; readonly unknownPasskey?: true },
  ): Promise<SignInOutcome> => {
    const { reason, accountId, unknownPasskey } = why
    await deps.append(
      {
        type: 'sign-in.failed',
        method,
        reason,
        address,
        ...(accountId === undefined ? {} : { accountId }),
      },
      { actor: { kind: 'gateway' } },
    )
    return { kind: 'refused', ...(unknownPasskey === undefined ? {} : { unknownPasskey }) }
  }

  const hasPasskey = async (accountId: AccountId): Promise<boolean> =>
    (await deps.credentials.listByAccount(accountId)).length > 0

  const shouldOfferPasskey = async (proofs: readonly Proof[], accountId: AccountId): Promise<boolean> =>
    proofs.every((proof) => proof.method === 'password') &&
    !(await hasPasskey(accountId)) &&
    (await deps.ephemeral.add('passkey-offered', accountId, true, offerEveryMs))

  /** Turns proofs that suffice into a session. */
  const conclude = async (
    of: SignInRequest,
    attempt: SignInAttempt,
    newest: Proof,
    enough: Extract<Decision, { kind: 'enough' }>,
  ): Promise<SignInOutcome> => {
    // Claimed before the session begins: of two tabs that finish at once, one goes on.
    if (!(await attempts.claim(of.handle))) return { kind: 'expired' }
    try {
      // Nothing after the commit may fail, or a session would begin whose cookie nobody gets; so these come before.
      await attempts.forgetProofs(of.handle)
      const offerPasskey = await shouldOfferPasskey(enough.proofs, enough.accountId)
      const begun = await deps.complete({
        ...enough,
        remember: of.remember,
        address: of.address,
        userAgent: of.userAgent,
        browser: of.browser,
        resumePath: attempt.resumePath,
        ...(of.current === undefined ? {} : { current: of.current }),
      })
      if (begun !== undefined) {
        const { session, secret, signedOut } = begun
        return {
          kind: 'signed-in',
          session,
          secret,
          remembered: session.remembered,
          // The page of that sign-out goes on to where this one was going.
          resumePath: signedOut === undefined ? attempt.resumePath : journeyPath(signedOut),
          offerPasskey,
        }
      }
    } catch (error) {
      await attempts.release(of.handle, of.browser, attempt)
      throw error
    }
    await attempts.release(of.handle, of.browser, attempt)
    return refused(newest.method, of.address, { reason: 'proof-outdated', accountId: enough.accountId })
  }

  /** What follows from something newly proved. */
  const proceed = async (
    of: SignInRequest,
    attempt: SignInAttempt,
    newest: Proof,
  ): Promise<SignInOutcome> => {
    const decision = decide(attempt.wanted, attempt.proofs, newest)
    switch (decision.kind) {
      case 'refused':
        return refused(newest.method, of.address, { reason: 'not-wanted', accountId: newest.accountId })
      case 'more-needed':
        await attempts.remember(of.handle, attempt, [...attempt.proofs, newest])
        return { ...decision, hasPasskey: await hasPasskey(newest.accountId) }
      case 'enough':
        return conclude(of, attempt, newest, decision)
      default:
        return decision satisfies never
    }
  }

  return {
    begin: async ({ address, ...of }) => {
      await admitVisit('attempt', address)
      return attempts.begin(of)
    },
    find: attempts.find,

    withPassword: async (of) => {
      const attempt = await attempts.find(of.handle, of.browser)
      if (attempt === undefined) return { kind: 'expired' }
      const foldedEmail = foldEmail(of.email)
      const admission = await throttle.admitPassword({
        address: of.address,
        foldedEmail,
        browser: of.browser,
      })
      if (admission.kind === 'throttled') return throttled(admission, of.address)
      const proving = await judged(admission, () => deps.password.prove(foldedEmail, of.password))
      switch (proving.kind) {
        case 'busy':
          await admission.refund()
          return proving
        case 'refused':
          return refused('password', of.address, proving)
        case 'proved':
          await admission.refund()
          await throttle.knowBrowser(of.browser, of.email)
          return proceed(of, attempt, proving.proof)
        default:
          return proving satisfies never
      }
    },

    passkeyOptions: async (of) => {
      if ((await attempts.find(of.handle, of.browser)) === undefined) return undefined
      const admission = await throttle.admitChallenge(of.address)
      if (admission.kind === 'throttled') {
        const { retryAfterSeconds } = admission
        throw new GatewayError('throttled', 'Too many attempts. Wait a little.', { retryAfterSeconds })
      }
      return deps.passkey.options(of)
    },

    withPasskey: async (of) => {
      const attempt = await attempts.find(of.handle, of.browser)
      if (attempt === undefined) return { kind: 'expired' }
      const admission = await throttle.admitPasskey(of.address)
      if (admission.kind === 'throttled') return throttled(admission, of.address)
      const proving = await judged(admission, () => deps.passkey.prove(of, of.response))
      if (proving.kind === 'refused') return refused('passkey', of.address, proving)
      await admission.refund()
      await throttle.knowBrowser(of.browser, proving.email)
      return proceed(of, attempt, proving.proof)
    },
  }
}

/** An outage judges nothing, so it costs nobody an attempt. */
async function judged<Proving>(
  admission: Extract<Admission, { kind: 'admitted' }>,
  prove: () => Promise<Proving>,
): Promise<Proving> {
  try {
    return await prove()
  } catch (error) {
    await admission.refund()
    throw error
  }
}
