/**
 * What a browser sends at the end of a passkey ceremony, parsed: bounded strings of the right alphabet and nothing else. Extension
 * results and anything unknown are dropped, because nothing of ours reads them.
 */
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import { z } from 'zod'

/** Base64url without padding. Real values are a few hundred characters; the bounds keep a lie from costing memory or time. */
function base64url(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[A-Za-z0-9_-]+$/)
}

const webauthnId = base64url(1_364)
const clientDataJson = base64url(8_192)

const authenticationResponse = z.object({
  id: webauthnId,
  rawId: webauthnId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: clientDataJson,
    authenticatorData: base64url(8_192),
    signature: base64url(2_048),
    // Required of discoverable credentials (WebAuthn section 7.2 step 6): without it nobody is named.
    userHandle: base64url(88),
  }),
})

const registrationResponse = z.object({
  id: webauthnId,
  rawId: webauthnId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: clientDataJson,
    attestationObject: base64url(16_384),
    transports: z.array(z.string()).max(16).optional(),
  }),
})

const clientData = z.object({
  type: z.string(),
  challenge: z.string().max(512),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.unknown().optional(),
})

export type ClientData = z.output<typeof clientData>
/** An answer together with the challenge that it claims to answer. */
export interface Answer<Response> {
  readonly response: Response
  readonly challenge: string
}
export type DiscoverableResponse = AuthenticationResponseJSON & {
  readonly response: { readonly userHandle: string }
}

const knownTransports: readonly AuthenticatorTransport[] = ['ble', 'hybrid', 'internal', 'nfc', 'usb']

/** The end of a sign-in; undefined for anything else. */
export function parseAuthenticationResponse(value: unknown): Answer<DiscoverableResponse> | undefined {
  const parsed = authenticationResponse.safeParse(value)
  if (!parsed.success) return undefined
  const challenge = readClientData(parsed.data.response.clientDataJSON)?.challenge
  return challenge === undefined
    ? undefined
    : { response: { ...parsed.data, clientExtensionResults: {} }, challenge }
}

/** The end of a registration; undefined for anything else. */
export function parseRegistrationResponse(value: unknown): Answer<RegistrationResponseJSON> | undefined {
  const parsed = registrationResponse.safeParse(value)
  if (!parsed.success) return undefined
  const { transports, ...response } = parsed.data.response
  const challenge = readClientData(response.clientDataJSON)?.challenge
  if (challenge === undefined) return undefined
  const known = knownTransports.filter((transport) => transports?.includes(transport))
  return {
    response: { ...parsed.data, response: { ...response, transports: known }, clientExtensionResults: {} },
    challenge,
  }
}

/** The client data that a response carries; undefined when it is no JSON object of the right shape. */
export function readClientData(encoded: string): ClientData | undefined {
  try {
    const parsed = clientData.safeParse(JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
