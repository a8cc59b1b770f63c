/**
 * What an OpenID Connect client is, under the names of its specifications: RFC 7591 section 2, OpenID Connect Registration 1.0
 * section 2, RP-Initiated Logout 1.0, Back-Channel Logout 1.0, Front-Channel Logout 1.0, RFC 9126. Without `client_id`, `client_secret` and `client_name`:
 * those are the app's own fields.
 */
export interface ClientMetadata {
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris: readonly string[]
  readonly backchannel_logout_uri?: string
  readonly backchannel_logout_session_required: boolean
  readonly frontchannel_logout_uri?: string
  readonly frontchannel_logout_session_required?: boolean
  readonly grant_types: readonly GrantType[]
  readonly response_types: readonly ResponseType[]
  readonly token_endpoint_auth_method: ClientAuthMethod
  /** For private_key_jwt: no other algorithm will do. Absent means any of `assertionAlgs`. */
  readonly token_endpoint_auth_signing_alg?: AssertionAlg
  readonly id_token_signed_response_alg: SigningAlg
  /** Space-separated: what it may ask for. Absent means every scope the gateway knows. */
  readonly scope?: string
  readonly subject_type: SubjectType
  /** Seconds. */
  readonly default_max_age?: number
  readonly require_auth_time: boolean
  readonly application_type: ApplicationType
  readonly client_uri?: string
  readonly logo_uri?: string
  readonly policy_uri?: string
  readonly tos_uri?: string
  readonly contacts?: readonly string[]
  /** Public keys for private_key_jwt; exactly one of `jwks` and `jwks_uri` then. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  readonly jwks_uri?: string
  readonly require_pushed_authorization_requests: boolean
}

export const grantTypes = ['authorization_code', 'refresh_token'] as const
export type GrantType = (typeof grantTypes)[number]

export const responseTypes = ['code'] as const
export type ResponseType = (typeof responseTypes)[number]

export const clientAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'none',
  'private_key_jwt',
] as const
export type ClientAuthMethod = (typeof clientAuthMethods)[number]

/** What an app may sign its own assertion with (RFC 7523). */
export const assertionAlgs = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const
export type AssertionAlg = (typeof assertionAlgs)[number]

/** HS256 and its kin are not here: they would make the client secret a signing key (DECISIONS 17). */
export const signingAlgs = ['ES256', 'RS256'] as const
export type SigningAlg = (typeof signingAlgs)[number]

export const subjectTypes = ['public', 'pairwise'] as const
export type SubjectType = (typeof subjectTypes)[number]

export const applicationTypes = ['web', 'native'] as const
export type ApplicationType = (typeof applicationTypes)[number]

/** What metadata that is silent means: OpenID Connect Registration 1.0 section 2, so RS256 and client_secret_basic. */
export const metadataDefaults: ClientMetadata = {
  redirect_uris: [],
  post_logout_redirect_uris: [],
  backchannel_logout_session_required: false,
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'RS256',
  subject_type: 'public',
  require_auth_time: false,
  application_type: 'web',
  require_pushed_authorization_requests: false,
}

/** True for methods that prove the app with a secret that the gateway knows the hash of. */
export function needsSecret(method: ClientAuthMethod): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post'
}
