import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import type { NewPasswordProblem } from '../accounts/directory.ts'
import type { SsoSession } from '../sessions/sso-session.ts'

/** Making the first operator's account with a link that the first start prints (N-195). */
export interface SetUp {
  /** A fresh link's token, valid for 30 minutes; undefined once an operator exists. */
  createLink(): Promise<string | undefined>
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
