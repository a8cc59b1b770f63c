/**
 * The gateway as a WebAuthn relying party.
 *
 * Owns: what is asked of an authenticator and what is accepted from it. Relies on: @simplewebauthn/server 14.0.3 for parsing and
 * signatures. Never: stores, and never trusts a flag or a challenge outside the bytes that the authenticator signed.
 *
 * What the library leaves to its caller, and is done here: `crossOrigin` is refused even without `topOrigin`, and in registrations
 * too; a bogus signature does not throw; attestation chains are not parsed at all; the counter is judged after the signature, so
 * that only a genuine authenticator can report a regression.
 */
import {
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import type { PasskeyCredential } from '../accounts/credential.ts'
import { challengeMs } from './challenges.ts'
import { type ClientData, readClientData } from './webauthn-responses.ts'

export interface RelyingPartyOptions {
  /** The gateway's one origin; its host name is the RP ID. */
  readonly issuer: string
  /** What authenticators show. */
  readonly name: string
}

/** Who a new passkey is for. */
export interface PasskeyOwner {
  readonly webauthnUser: string
  readonly email: string
  readonly name: string
}

export type Verified<Fact> =
  | ({ readonly kind: 'verified' } & Fact)
  /** `reason` is for the operator's log: it may quote what the client sent. */
  | { readonly kind: 'refused'; readonly reason: string }

export interface Assertion {
  readonly counter: number
  readonly backedUp: boolean
}

/** What an authenticator says of a new passkey. */
export type Attested = Pick<
  PasskeyCredential,
  'webauthnId' | 'publicKey' | 'counter' | 'transports' | 'aaguid' | 'backupEligible' | 'backedUp'
>

/** COSE algorithms, most wanted first: ES256, EdDSA, RS256 (older Windows Hello). */
const algorithms = [-7, -8, -257]
/** Section 5.8.3: a credential id has at most 1,023 bytes. */
const webauthnIdMaxBytes = 1_023

export type RelyingParty = ReturnType<typeof createRelyingParty>

/** Creates the relying party of this issuer. */
export function createRelyingParty({ issuer, name }: RelyingPartyOptions) {
  const rpId = new URL(issuer).hostname

  return {
    /** Any passkey of ours will do: the list is empty, so it tells nobody who has one (section 14.6.2). */
    requestOptions: (challenge: string): PublicKeyCredentialRequestOptionsJSON => ({
      challenge,
      rpId,
      timeout: challengeMs,
      allowCredentials: [],
      userVerification: 'required',
    }),

    creationOptions: (
      challenge: string,
      owner: PasskeyOwner,
      existing: readonly PasskeyCredential[],
    ): PublicKeyCredentialCreationOptionsJSON => ({
      challenge,
      rp: { id: rpId, name },
      user: { id: owner.webauthnUser, name: owner.email, displayName: owner.name },
      pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key' as const, alg })),
      timeout: challengeMs,
      attestation: 'none',
      // An authenticator that holds one of ours already says so instead of making a second.
      excludeCredentials: existing.map(({ webauthnId }) => ({ type: 'public-key' as const, id: webauthnId })),
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      extensions: { credProps: true },
    }),

    /** Section 7.2, steps 10 to 24: everything but whose it is and whether the counter grew, which is the caller's. */
    verifyAssertion: async (
      response: AuthenticationResponseJSON,
      challenge: string,
      credential: PasskeyCredential,
    ): Promise<Verified<Assertion>> => {
      const embedded = embeddedIn(readClientData(response.response.clientDataJSON))
      if (embedded !== undefined) return embedded
      return refusingErrors<Assertion>(async () => {
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response,
          expectedType: 'webauthn.get',
          expectedChallenge: challenge,
          expectedOrigin: issuer,
          expectedRPID: rpId,
          requireUserVerification: true,
          credential: {
            id: credential.webauthnId,
            publicKey: bytesOf(credential.publicKey),
            // The library refuses a counter before it looks at the signature; with 0 it leaves the counter to us.
            counter: 0,
          },
        })
        if (!verified) return { kind: 'refused', reason: 'The signature is wrong.' }
        const backupEligible = authenticationInfo.credentialDeviceType === 'multiDevice'
        if (backupEligible !== credential.backupEligible) {
          return { kind: 'refused', reason: 'Backup eligibility changed, which a credential never does.' }
        }
        return {
          kind: 'verified',
          counter: authenticationInfo.newCounter,
          backedUp: authenticationInfo.credentialBackedUp,
        }
      })
    },

    /** Section 7.1, steps 7 to 26. No attestation was asked for, so none is evaluated. */
    verifyRegistration: async (
      response: RegistrationResponseJSON,
      challenge: string,
    ): Promise<Verified<Attested>> => {
      const embedded = embeddedIn(readClientData(response.response.clientDataJSON))
      if (embedded !== undefined) return embedded
      return refusingErrors<Attested>(async () => {
        if (!isUnattested(response.response.attestationObject)) {
          return { kind: 'refused', reason: 'An attestation came although none was asked for.' }
        }
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          response,
          expectedType: 'webauthn.create',
          expectedChallenge: challenge,
          expectedOrigin: issuer,
          expectedRPID: rpId,
          requireUserPresence: true,
          requireUserVerification: true,
          supportedAlgorithmIDs: algorithms,
        })
        if (!verified) return { kind: 'refused', reason: 'The self-attestation is wrong.' }
        const { credential } = registrationInfo
        if (Buffer.byteLength(credential.id, 'base64url') > webauthnIdMaxBytes) {
          return { kind: 'refused', reason: 'The credential id is too long.' }
        }
        return {
          kind: 'verified',
          webauthnId: credential.id,
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          transports: response.response.transports ?? [],
          aaguid: registrationInfo.aaguid,
          backupEligible: registrationInfo.credentialDeviceType === 'multiDevice',
          backedUp: registrationInfo.credentialBackedUp,
        }
      })
    },
  }
}

/** A page of ours is never framed by another origin, so a ceremony that says it was is somebody's trick (N-142). */
function embeddedIn(
  clientData: ClientData | undefined,
): { readonly kind: 'refused'; readonly reason: string } | undefined {
  if (clientData === undefined) return { kind: 'refused', reason: 'The client data is not JSON.' }
  return clientData.crossOrigin === true || clientData.topOrigin !== undefined
    ? { kind: 'refused', reason: 'The ceremony ran inside a page of another origin.' }
    : undefined
}

/**
 * With attestation `none` a browser sends none, or the self-attestation of an authenticator without a model (section 5.4.7).
 * A certificate chain is not parsed: we trust no root, so it could prove nothing and only bring its parser's bugs (N-145).
 */
function isUnattested(attestationObject: string): boolean {
  const decoded = decodeAttestationObject(bytesOf(attestationObject))
  const format = decoded.get('fmt')
  return format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined)
}

/** The library throws a plain Error for whatever is wrong with a response, from a foreign origin to broken CBOR. */
async function refusingErrors<Fact>(verify: () => Promise<Verified<Fact>>): Promise<Verified<Fact>> {
  try {
    return await verify()
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? error.message : 'It could not be read.' }
  }
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, 'base64url'))
}
