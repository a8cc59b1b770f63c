/**
 * Who calls the API.
 *
 * Owns: which proof counts (DECISIONS 42). A program shows its key in the Authorization header; an operator's browser shows its
 * session, and for anything but reading also that a page of ours asks and that the person proved who they are of late. Relies on: the key commands, the session reader.
 * Never: takes a key from anywhere but that header, or says why a key does not work.
 */
import type { Context } from 'koa'
import { type ApiScope, apiScopes } from '../administration/api-key.ts'
import { requireScope, type ScopedAdministrator } from '../administration/permission.ts'
import { requireOwnPage } from '../http/fetch-metadata.ts'
import { GatewayError } from '../kernel/errors.ts'
import { isFresh } from '../sessions/assurance.ts'
import type { ApiDeps } from './deps.ts'

/** A header that no form and no request without a preflight can carry; we answer no preflight. */
const pageHeader = 'x-gatehouse'

/** Throws GatewayError with the status and the challenge of RFC 6750 section 3 unless the caller may use the scope. */
export async function authorize(deps: ApiDeps, ctx: Context, scope: ApiScope): Promise<ScopedAdministrator> {
  const { authorization } = ctx.req.headers
  // Whoever shows a key is judged by it: a browser's cookie beside it adds nothing.
  const caller =
    authorization === undefined ? await operatorOf(deps, ctx) : await keyOf(deps, ctx, authorization)
  try {
    requireScope(caller.scopes, scope)
  } catch (error) {
    ctx.set('WWW-Authenticate', `Bearer realm="gatehouse", error="insufficient_scope", scope="${scope}"`)
    throw error
  }
  return caller.by
}

interface Caller {
  readonly by: ScopedAdministrator
  readonly scopes: readonly ApiScope[]
}

async function keyOf(deps: ApiDeps, ctx: Context, authorization: string): Promise<Caller> {
  const [, secret] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
  const key = secret === undefined ? undefined : await deps.commands.apiKeys.authenticate(secret)
  if (key !== undefined) return { by: { kind: 'api-key', apiKeyId: key.id }, scopes: key.scopes }
  ctx.set('WWW-Authenticate', 'Bearer realm="gatehouse", error="invalid_token"')
  throw new GatewayError('api_key_invalid', 'This API key is unknown, revoked or expired.')
}

/** The session is not used by this: a page left open that polls must not keep it alive (N-017). */
async function operatorOf(deps: ApiDeps, ctx: Context): Promise<Caller> {
  const session = await deps.sessionOf(ctx)
  if (session === undefined) {
    ctx.set('WWW-Authenticate', 'Bearer realm="gatehouse"')
    throw new GatewayError('sign_in_needed', 'Show an API key in the Authorization header.')
  }
  const reads = ctx.method === 'GET' || ctx.method === 'HEAD'
  if (!reads) requirePage(deps, ctx)
  const account = await deps.accounts.find(session.accountId)
  if (account?.state !== 'active' || !account.operator) {
    throw new GatewayError('forbidden', 'Only an operator may do this.')
  }
  // As on the pages of operators: a browser left open must not act for whoever walks by.
  if (!reads && !isFresh(session, deps.clock.now())) {
    throw new GatewayError('fresh_proof_needed', 'Prove once more who you are: this changes something.')
  }
  return { by: { kind: 'operator', accountId: account.id }, scopes: apiScopes }
}

function requirePage({ issuer }: ApiDeps, ctx: Context): void {
  const { headers } = ctx.req
  requireOwnPage(headers, issuer)
  // A browser sends Origin with whatever is not a GET: without it this is no page of ours, whatever else it says.
  if (headers.origin === issuer && headers[pageHeader] === '1') return
  throw new GatewayError(
    'cross_site_request',
    'With a session instead of a key, this takes Origin of the gateway and the header X-Gatehouse: 1.',
  )
}
