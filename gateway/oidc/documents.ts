import type { IncomingMessage, ServerResponse } from 'node:http'
import { assertionAlgs } from '../apps/client-metadata.ts'
import { digest } from '../kernel/digest.ts'
import type { Keyring } from '../keys/keyring.ts'
import { signingAlgs } from '../keys/signing-key.ts'
import { requestableAcrs } from '../sessions/assurance.ts'
import { knownClaims, knownScopes } from './grants.ts'
import { routes } from './provider.ts'

/**
 * The documents that every app fetches: discovery and keys. Made once and answered from memory ahead of everything else, because
 * they are public, the same for everybody, and asked for more often than anything.
 */
export interface PublicDocuments {
  /**
   * Answers the request when it is for one of the documents. False: it is not, and nothing was written. `path` is given where the
   * target of the request is not a bare path.
   */
  answer(req: IncomingMessage, res: ServerResponse, path?: string): boolean
  has(path: string): boolean
  /** The keys have changed: the next answer is made anew. */
  forget(): void
}

interface Document {
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string | number>>
}

/** Apps that fetch again after five minutes know a key long before it signs: it is published a day ahead. */
const cacheSeconds = 300

/** Creates the documents of an issuer. */
export function createPublicDocuments(issuer: string, keys: Keyring): PublicDocuments {
  const made = new Map<string, Document>()
  const makers: Readonly<Record<string, () => unknown>> = {
    '/.well-known/openid-configuration': () => discoveryDocument(issuer),
    '/.well-known/oauth-authorization-server': () => discoveryDocument(issuer),
    [routes.jwks]: () => ({ keys: keys.published() }),
  }
  return {
    forget: () => made.clear(),
    has: (path) => Object.hasOwn(makers, path),
    answer: (req, res, path = req.url ?? '') => {
      const make = Object.hasOwn(makers, path) ? makers[path] : undefined
      if (make === undefined || (req.method !== 'GET' && req.method !== 'HEAD')) return false
      const document = made.get(path) ?? documentOf(make())
      made.set(path, document)
      if (req.headers['if-none-match'] === document.headers['ETag']) {
        res
          .writeHead(304, {
            ETag: document.headers['ETag'] ?? '',
            'Cache-Control': `public, max-age=${cacheSeconds}`,
          })
          .end()
        return true
      }
      res.writeHead(200, document.headers).end(req.method === 'HEAD' ? undefined : document.body)
      return true
    },
  }
}

function documentOf(content: unknown): Document {
  const body = Buffer.from(JSON.stringify(content))
  return {
    body,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': body.length,
      'Cache-Control': `public, max-age=${cacheSeconds}`,
      // Public documents without cookies: any page may read them (OpenID Connect Discovery 1.0 section 4.1).
      'Access-Control-Allow-Origin': '*',
      'X-Content-Type-Options': 'nosniff',
      ETag: `"${digest(body.toString()).slice(0, 22)}"`,
    },
  }
}

/** OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2. Every URL is built from the issuer (invariant 11). */
export function discoveryDocument(issuer: string): Readonly<Record<string, unknown>> {
  const at = (path: string): string => new URL(path, issuer).href
  const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']
  return {
    issuer,
    authorization_endpoint: at(routes.authorization),
    token_endpoint: at(routes.token),
    userinfo_endpoint: at(routes.userinfo),
    jwks_uri: at(routes.jwks),
    end_session_endpoint: at(routes.end_session),
    revocation_endpoint: at(routes.revocation),
    introspection_endpoint: at(routes.introspection),
    pushed_authorization_request_endpoint: at(routes.pushed_authorization_request),
    scopes_supported: [...knownScopes],
    claims_supported: ['sub', 'sid', 'iss', 'acr', 'amr', 'auth_time', ...knownClaims],
    claim_types_supported: ['normal'],
    claims_parameter_supported: true,
    acr_values_supported: [...requestableAcrs],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public', 'pairwise'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: [...signingAlgs],
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: [...assertionAlgs],
    revocation_endpoint_auth_methods_supported: authMethods,
    introspection_endpoint_auth_methods_supported: authMethods,
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    require_pushed_authorization_requests: false,
    // RFC 9207: every authorization response says who it is from.
    authorization_response_iss_parameter_supported: true,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    claims_locales_supported: ['en'],
    ui_locales_supported: ['en'],
  }
}
