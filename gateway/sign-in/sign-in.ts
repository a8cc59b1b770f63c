import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import type { AppId } from '../kernel/ids.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SignInAttempt, Wanted } from './attempt.ts'

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
  begin(of: {
    readonly resumePath: string
    readonly appId?: AppId
    readonly loginHint?: string
    readonly browser: string
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
  /** Wrong e-mail, password or passkey, or another person than was wanted: never says which. */
  | { readonly kind: 'refused' }
  /** The password is right, but more strength is wanted. `hasPasskey` false: this account cannot give it. */
  | { readonly kind: 'more-needed'; readonly why: 'passkey'; readonly hasPasskey: boolean }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  /** The attempt is unknown, used, over, or of another browser. */
  | { readonly kind: 'expired' }
