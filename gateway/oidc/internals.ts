/**
 * The only file that touches what oidc-provider does not promise to keep. Version 9.13.3 is pinned exactly; each change below says
 * which line of it it relies on, and `test/oidc/internals.test.ts` fails when one of them moves.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Provider, type UnknownObject } from 'oidc-provider'
// @ts-expect-error: not part of the engine's types
import als from 'oidc-provider/lib/helpers/als.js'
import { digest, sameSecret } from '../kernel/digest.ts'
import { type Acr, meets } from '../sessions/assurance.ts'
import { refreshSuccessor } from './refresh-successor.ts'

/** What we use of the engine's client beyond its types. */
export interface EngineClient {
  readonly clientId: string
  readonly clientSecret?: string
  readonly redirectUris?: readonly string[]
  postLogoutRedirectUriAllowed(uri: string): boolean
}

type EngineContext = {
  readonly cookies: { secure: boolean; set(name: string, value: string | null, options?: object): unknown }
}

interface Hardening {
  /** Looks a client up in our registry. The engine would ask its adapter each time and keep 100 (models/client.js:572). */
  readonly findClient: (id: string) => EngineClient | undefined
  /** Takes an id that others issued once. The engine looks first and writes later (models/replay_detection.js:14). */
  readonly claimOnce: (id: string, expiresAtSeconds: number) => Promise<boolean>
  readonly successorKey: Uint8Array
  readonly secureCookies: boolean
  /** Name of the session cookie, which the engine must never set (shared/session.js:43). */
  readonly sessionCookie: string
}

/** Applies every change to one provider. Call it right after construction, before the first request. */
export function harden(provider: Provider, hardening: Hardening): void {
  const { Client, OIDCContext, RefreshToken, ReplayDetection } = provider as unknown as EngineClasses

  // provider.js:453 and oidc_context.js:51 make their own Koa contexts, whose cookies follow the connection instead of the issuer.
  const createContext = provider.createContext.bind(provider) as (
    req: IncomingMessage,
    res: ServerResponse,
  ) => EngineContext
  Object.defineProperty(provider, 'createContext', {
    value: (req: IncomingMessage, res: ServerResponse) => {
      const context = createContext(req, res)
      guardCookies(context, hardening)
      return context
    },
  })

  // oidc_context.js:77 builds endpoint URLs from the Host header; ours come from the issuer alone (invariant 11, N-161).
  OIDCContext.prototype.urlFor = (name, options) => provider.urlFor(name, options)

  // oidc_context.js:192: `acr` is what the session holds. A request that asked for another value which the session meets is answered
  // with that value, or an essential claim would be refused although it is satisfied.
  Object.defineProperty(OIDCContext.prototype, 'acr', { get: answeredAcr })

  // models/client.js:539: `sid` belongs in every ID token, whatever logout the client supports (DECISIONS 16).
  Client.prototype.includeSid = () => true

  // models/client.js:543 compares in plain text; ours are stored as SHA-256 (DECISIONS 17).
  Client.prototype.compareClientSecret = function compare(actual: string) {
    return sameSecret(this.clientSecret ?? '', digest(actual))
  }

  // models/client.js:442 sends logout tokens inside the person's request and forgets failures. The door does that.
  Client.prototype.backchannelLogout = () => Promise.reject(new Error('Apps are told through the door only.'))

  Client.find = (id: unknown) =>
    Promise.resolve(typeof id === 'string' ? hardening.findClient(id) : undefined)

  // models/base_model.js:80: an id is made when a token without one is saved. The successor of a rotated refresh token is derived.
  const generateTokenId = RefreshToken.prototype.generateTokenId
  RefreshToken.prototype.generateTokenId = function successorOrRandom() {
    const rotated = Provider.ctx?.oidc.entities.RotatedRefreshToken
    return rotated === undefined
      ? generateTokenId.call(this)
      : refreshSuccessor(hardening.successorKey, rotated.jti)
  }

  ReplayDetection.unique = (issuer: string, jti: string, exp: number) =>
    hardening.claimOnce(digest(`${issuer}${jti}`), exp)
}

/** Runs `work` as part of the engine's request again, after its middleware has returned (helpers/als.js). */
export function withinRequest<T>(ctx: object, work: () => Promise<T>): Promise<T> {
  return (als as AsyncLocalStorage<object>).run(ctx, work)
}

/** Makes a compiled client of standard metadata; throws the engine's InvalidClientMetadata. */
export function compileClient(provider: Provider, metadata: object): EngineClient {
  return new (provider as unknown as EngineClasses).Client(metadata)
}

/**
 * The ID token's payload when `token` is one that we issued to this client, expired or not; throws otherwise.
 * models/id_token.js:253, which checks signature, issuer and audience (RP-Initiated Logout 1.0 section 2).
 */
export async function validateIdTokenHint(
  provider: Provider,
  token: string,
  client: EngineClient,
): Promise<IdTokenHint> {
  const { payload } = await (provider as unknown as EngineClasses).IdToken.validate(token, client)
  // The engine looks at neither its type nor its claims: a logout token of ours has a good signature and the same audience (N-072).
  if (payload.events !== undefined) throw new TypeError('a logout token is no ID token')
  return payload
}

export interface IdTokenHint {
  readonly sub?: unknown
  readonly events?: unknown
  readonly sid?: unknown
}

interface EngineClasses {
  readonly Client: {
    new (metadata: object): EngineClient
    prototype: EngineClient & {
      includeSid(): boolean
      compareClientSecret(this: EngineClient, actual: string): boolean
      backchannelLogout(): Promise<never>
    }
    find(id: unknown): Promise<EngineClient | undefined>
  }
  readonly OIDCContext: { prototype: { urlFor(name: string, options?: UnknownObject): string } }
  readonly RefreshToken: { prototype: { generateTokenId(): string } }
  readonly ReplayDetection: { unique(issuer: string, jti: string, exp: number): Promise<boolean> }
  readonly IdToken: { validate(token: string, client: EngineClient): Promise<{ payload: IdTokenHint }> }
}

function guardCookies(context: EngineContext, { secureCookies, sessionCookie }: Hardening): void {
  const { cookies } = context
  cookies.secure = secureCookies
  const set = cookies.set.bind(cookies)
  cookies.set = (name, value, options) => (name === sessionCookie ? cookies : set(name, value, options))
}

interface AcrContext {
  readonly session: { readonly acr?: Acr; readonly amr?: readonly string[] }
  readonly params: { readonly acr_values?: string | undefined } | undefined
  readonly claims: {
    readonly id_token?: { readonly acr?: { readonly value?: unknown; readonly values?: unknown } | null }
  }
}

function answeredAcr(this: AcrContext): string | undefined {
  const { acr, amr = [] } = this.session
  if (acr === undefined) return undefined
  const asked = this.claims.id_token?.acr
  const values = Array.isArray(asked?.values) ? asked.values : []
  const wanted = [asked?.value, ...values, ...(this.params?.acr_values ?? '').split(' ')]
  const met = wanted.find((value) => typeof value === 'string' && value !== '' && meets({ acr, amr }, value))
  return typeof met === 'string' ? met : acr
}
