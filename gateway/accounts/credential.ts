import type { AccountId, CredentialId } from '../kernel/ids.ts'

/** A passkey that an account may sign in with. WebAuthn Level 3, section 4 "credential record". */
export interface PasskeyCredential {
  readonly id: CredentialId
  readonly accountId: AccountId
  /** The authenticator's own id of it, base64url. Unique in the whole gateway. */
  readonly webauthnId: string
  /** COSE key, base64url. */
  readonly publicKey: string
  /** Signatures the authenticator says it has made; 0 for those that do not count, as synced ones. */
  readonly counter: number
  /** Ways to reach the authenticator, as the browser named them: a hint for the next ceremony, nothing more. */
  readonly transports: readonly string[]
  /** Which product it is, by its own word. */
  readonly aaguid: string
  /** May be synced to other devices. Never changes for a credential (section 6.1.3). */
  readonly backupEligible: boolean
  readonly backedUp: boolean
  /** What the person calls it. */
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt?: number
}
