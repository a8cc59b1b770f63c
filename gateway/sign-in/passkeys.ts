import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server'
import type { PasskeyCredential } from '../accounts/credential.ts'
import type { AccountId, CredentialId } from '../kernel/ids.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndResult } from '../sessions/ending.ts'
import type { SsoSession } from '../sessions/sso-session.ts'

/** A person's passkeys: adding, naming and removing them. */
export interface Passkeys {
  list(accountId: AccountId): Promise<readonly PasskeyCredential[]>
  /** Options for the browser. The session must have been proved lately (`fresh_proof_needed`). */
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
  }): Promise<RemovalOutcome>
}

export type RegistrationOptions =
  | { readonly kind: 'options'; readonly options: PublicKeyCredentialCreationOptionsJSON }
  | { readonly kind: 'fresh-proof-needed' }
  | { readonly kind: 'too-many' }

export type RegistrationOutcome =
  | { readonly kind: 'added'; readonly credential: PasskeyCredential }
  | { readonly kind: 'fresh-proof-needed' }
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
