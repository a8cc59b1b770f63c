/**
 * The settings as the program uses them: validated, every default filled in, durations in milliseconds, paths absolute.
 *
 * `config/schema.ts` describes what an operator writes; `config/resolve.ts` turns that into this. Nothing else makes a
 * `GatehouseConfig` outside tests.
 */
export interface GatehouseConfig {
  /** The one public origin, without a trailing slash; every URL derives from it, never from a request. */
  readonly issuer: string
  readonly listen: ListenAddress
  /** Where Prometheus text is served; absent means nowhere. */
  readonly metrics?: ListenAddress
  /** PEM files, absolute; absent means plain HTTP (behind a proxy, or on loopback). */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** CIDRs whose X-Forwarded-* headers count. */
  readonly trustedProxies: readonly string[]
  readonly dataDir: string
  readonly storage: { readonly databaseFile: string }
  readonly keys: {
    /** Encrypts signing keys at rest; absent means the key file that the gateway makes in `dataDir`. */
    readonly encryptionKey?: string
  }
  readonly egress: {
    /** CIDRs and `host:port` that may be called although they are special-use addresses or plain http. */
    readonly allow: readonly string[]
    /** True while the issuer itself is on loopback: apps on this machine may then be told. */
    readonly allowLoopback: boolean
  }
  readonly sessions: {
    readonly idleMs: number
    readonly absoluteMs: number
    readonly rememberMe: { readonly enabled: boolean; readonly absoluteMs: number }
    /** What counts as use besides the gateway's own pages. */
    readonly activity: readonly SessionActivity[]
    /** 0 means no limit. */
    readonly maxPerAccount: number
    readonly rotateSecretMs: number
    readonly keepHistoryMs: number
  }
  readonly tokens: {
    readonly codeMs: number
    readonly accessMs: number
    readonly idMs: number
    readonly interactionMs: number
    readonly refreshGraceMs: number
    readonly offlineIdleMs: number
    readonly offlineAbsoluteMs: number
  }
  readonly logout: {
    readonly retryForMs: number
    readonly timeoutMs: number
    readonly perApp: number
    readonly perAppPerSecond: number
    readonly atOnce: number
    readonly frontChannelWaitMs: number
    /** Told of what apps were not told; absent means nobody is. */
    readonly webhook?: { readonly url: string; readonly secret: string }
  }
  readonly audit: { readonly keepMs: number }
  readonly log: { readonly level: LogLevel }
  readonly appearance: {
    readonly name: string
    /** `#rrggbb`; absent means the built-in colour. */
    readonly accent?: string
    readonly logoFile?: string
  }
  readonly apps: readonly DeclaredApp[]
  readonly accounts: readonly DeclaredAccount[]
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export const sessionActivities = ['authorize', 'refresh', 'userinfo', 'silent'] as const
export type SessionActivity = (typeof sessionActivities)[number]

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** The closed set of causes for which a session ends (what `apps[].logout.causes` may name). */
export const declaredLogoutCauses = [
  'app',
  'account',
  'account-everywhere',
  'admin',
  'bulk',
  'idle',
  'absolute',
  'password-changed',
  'credential-changed',
  'access-removed',
  'app-removed',
  'account-disabled',
  'account-deleted',
  'account-switched',
  'session-limit',
  'upstream',
  'risk',
  'restore',
] as const
export type DeclaredLogoutCause = (typeof declaredLogoutCauses)[number]

/** Where something was declared, for messages and the console. */
export interface DeclaredAt {
  /** Absolute path of the configuration file. */
  readonly file: string
  /** 1-based. */
  readonly line: number
}

/** An app as the file declares it; applied to the database at each start, shown read-only in the console. */
export interface DeclaredApp {
  readonly id: string
  readonly name: string
  readonly launchUrl?: string
  /** True: no consent page. */
  readonly firstParty: boolean
  /** Everyone with an account, or members of at least one of these groups (never empty). */
  readonly access: 'everyone' | readonly string[]
  /** Of its own AppSession; never looser than the gateway's. */
  readonly sessions: { readonly idleMs?: number; readonly absoluteMs?: number; readonly acr?: string }
  readonly logout: {
    readonly causes: 'all' | readonly DeclaredLogoutCause[]
    readonly appSignsOut: 'everywhere' | 'this-app' | 'ask'
    /** Absent: by the gateway where the app can be told so, else through the browser. */
    readonly channel?: 'back-channel' | 'front-channel' | 'both'
    /** Of one attempt; absent means `logout.timeoutMs`. */
    readonly timeoutMs?: number
    /** How long the app's own session may outlive a missed logout; absent means nobody said. */
    readonly localSessionMs?: number
  }
  readonly offline: 'ends-with-session' | 'survives-sign-out'
  readonly oidc: OidcClientMetadata
  readonly source: DeclaredAt
}

export const tokenEndpointAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'none',
  'private_key_jwt',
] as const
export type TokenEndpointAuthMethod = (typeof tokenEndpointAuthMethods)[number]

/** What an app may sign its proof with; HS256 and its kin would make the client secret a key. */
export const assertionSigningAlgs = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const
export type AssertionSigningAlg = (typeof assertionSigningAlgs)[number]

/** Client metadata under its wire names (RFC 7591, OpenID Connect Registration, the OIDC logout specifications). */
export interface OidcClientMetadata {
  readonly client_id: string
  /** In the clear: whoever stores the app hashes it first. Present exactly for the two client_secret methods. */
  readonly client_secret?: string
  readonly token_endpoint_auth_method: TokenEndpointAuthMethod
  /** For private_key_jwt: no other algorithm will do. */
  readonly token_endpoint_auth_signing_alg?: AssertionSigningAlg
  /** Present (or `jwks_uri`) exactly for private_key_jwt. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  readonly jwks_uri?: string
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris: readonly string[]
  readonly backchannel_logout_uri?: string
  readonly backchannel_logout_session_required: boolean
  readonly frontchannel_logout_uri?: string
  readonly frontchannel_logout_session_required: boolean
  readonly id_token_signed_response_alg: 'ES256' | 'RS256'
  readonly grant_types: readonly ('authorization_code' | 'refresh_token')[]
  readonly response_types: readonly 'code'[]
  /** Space-separated; absent means every scope the gateway knows. */
  readonly scope?: string
  readonly subject_type: 'public' | 'pairwise'
  readonly default_max_age?: number
  readonly require_auth_time: boolean
  readonly application_type: 'web' | 'native'
  readonly client_uri?: string
  readonly logo_uri?: string
  readonly policy_uri?: string
  readonly tos_uri?: string
  readonly contacts?: readonly string[]
  readonly require_pushed_authorization_requests: boolean
}

/** An account as the file declares it: for demos and tests. At most one of `password` and `passwordHash`. */
export interface DeclaredAccount {
  /** Stable subject; absent means taken from a hash of the e-mail at first sight. */
  readonly id?: string
  readonly email: string
  readonly name?: string
  readonly operator: boolean
  readonly password?: string
  /** argon2id in PHC form. */
  readonly passwordHash?: string
  readonly groups: readonly string[]
  readonly source: DeclaredAt
}
