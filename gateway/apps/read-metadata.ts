/**
 * Client metadata as an operator hands it in (a form, a JSON body, a command line), read strictly.
 *
 * Owns: types and names. Never: rules between fields, which are in `rules.ts`.
 */
import {
  applicationTypes,
  assertionAlgs,
  type ClientMetadata,
  clientAuthMethods,
  grantTypes,
  metadataDefaults,
  responseTypes,
  signingAlgs,
  subjectTypes,
} from './client-metadata.ts'

/** One thing that is wrong, named by its field, in words for the operator. */
export interface AppProblem {
  readonly field: string
  readonly problem: string
}

export type ReadMetadata =
  | { readonly kind: 'read'; readonly metadata: ClientMetadata }
  | { readonly kind: 'wrong'; readonly problems: readonly AppProblem[] }

/** Lists in client metadata are short; the bound keeps a request's comparison cheap. */
const maxEntries = 64
const maxTextLength = 2_048
/** A year: longer is no limit at all. */
const maxAgeSeconds = 31_536_000
const maxKeys = 16

type Check = (value: unknown) => string | undefined

/** Every field there is, and what its value must be. A field missing here does not compile. */
const checks: { readonly [Field in keyof ClientMetadata]-?: Check } = {
  redirect_uris: texts,
  post_logout_redirect_uris: texts,
  backchannel_logout_uri: text,
  backchannel_logout_session_required: flag,
  frontchannel_logout_uri: text,
  frontchannel_logout_session_required: flag,
  grant_types: someOf(grantTypes),
  response_types: someOf(responseTypes),
  token_endpoint_auth_method: oneOf(clientAuthMethods),
  token_endpoint_auth_signing_alg: oneOf(assertionAlgs),
  id_token_signed_response_alg: oneOf(signingAlgs),
  scope: (value) =>
    text(value) ?? (isScope(String(value)) ? undefined : 'must be scopes with one space between'),
  subject_type: oneOf(subjectTypes),
  default_max_age: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxAgeSeconds
      ? undefined
      : `must be whole seconds from 0 to ${maxAgeSeconds}`,
  require_auth_time: flag,
  application_type: oneOf(applicationTypes),
  client_uri: text,
  logo_uri: text,
  policy_uri: text,
  tos_uri: text,
  contacts: texts,
  jwks: publicKeys,
  jwks_uri: text,
  require_pushed_authorization_requests: flag,
}

/** Reads metadata over `base`: what is not given stays as it is there. Reports everything that is wrong at once. */
export function readMetadata(given: unknown, base: ClientMetadata = metadataDefaults): ReadMetadata {
  if (!isObject(given)) {
    return { kind: 'wrong', problems: [{ field: 'oidc', problem: 'must be an object' }] }
  }
  const problems: AppProblem[] = []
  for (const [field, value] of Object.entries(given)) {
    const problem = Object.hasOwn(checks, field)
      ? checks[field as keyof ClientMetadata](value)
      : 'is not something the gateway knows'
    if (problem !== undefined) problems.push({ field, problem })
  }
  if (problems.length > 0) return { kind: 'wrong', problems }
  // Each field was checked against its type just now.
  return { kind: 'read', metadata: { ...base, ...(given as Partial<ClientMetadata>) } }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= maxTextLength
    ? undefined
    : `must be text of 1 to ${maxTextLength} characters`
}

function texts(value: unknown): string | undefined {
  return Array.isArray(value) && value.length <= maxEntries && value.every((item) => text(item) === undefined)
    ? undefined
    : `must be a list of at most ${maxEntries} texts`
}

function flag(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'must be true or false'
}

function oneOf(known: readonly string[]): Check {
  return (value) =>
    typeof value === 'string' && known.includes(value) ? undefined : `must be one of ${known.join(', ')}`
}

function someOf(known: readonly string[]): Check {
  return (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every(isIn(known))
      ? undefined
      : `must be a list of ${known.join(', ')}`
}

function isIn(known: readonly string[]): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && known.includes(value)
}

/** RFC 6749 section 3.3. */
function isScope(value: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/.test(value)
}

/** A symmetric or private key here would be a secret in a set of public ones (RFC 7517 section 9.2). */
function publicKeys(value: unknown): string | undefined {
  const keys = isObject(value) ? value['keys'] : undefined
  const fine =
    Array.isArray(keys) &&
    keys.length > 0 &&
    keys.length <= maxKeys &&
    keys.every((key) => isObject(key) && typeof key['kty'] === 'string' && !('d' in key) && !('k' in key))
  return fine ? undefined : `must be a JWK set of 1 to ${maxKeys} public keys`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
