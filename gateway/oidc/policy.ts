import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { App } from '../apps/app.ts'
import { isOpenTo } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Clock } from '../kernel/clock.ts'
import { type AccountId, parseAccountId } from '../kernel/ids.ts'
import { type Acr, meets, requestableAcrs } from '../sessions/assurance.ts'

const { Check, Prompt, base } = interactionPolicy

export interface PolicyDeps {
  readonly apps: AppRegistry
  readonly accounts: AccountStore
  readonly credentials: CredentialStore
  readonly clock: Clock
}

/**
 * When a person must be asked something before an app gets what it wants: the engine's own rules, and ours for who may open the app,
 * how strong the session must be, and choosing another account.
 */
export function createPolicy(deps: PolicyDeps) {
  const policy = base()
  const login = policy.get('login')
  const consent = policy.get('consent')
  if (login === undefined || consent === undefined)
    throw new Error('The engine no longer has the prompts that this policy extends.')

  login.checks.add(
    new Check('access', 'this person may not open this app', 'access_denied', async (ctx) => {
      const { app, accountId } = partiesOf(deps, ctx)
      if (app === undefined || accountId === undefined) return Check.NO_NEED_TO_PROMPT
      const account = await deps.accounts.find(accountId)
      // Asking again would not help: the answer is no, and the app hears it.
      if (account !== undefined && !isOpenTo(app, account.groups))
        throw new errors.AccessDenied('this account may not use this app')
      return Check.NO_NEED_TO_PROMPT
    }),
  )

  login.checks.add(
    new Check(
      'assurance',
      'stronger proof is needed',
      'login_required',
      async (ctx) =>
        (await missingAcr(deps, ctx)) === undefined ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
      async (ctx) => ({ acr: await missingAcr(deps, ctx) }),
    ),
  )

  // The engine counts whole seconds, in which a sign-in of this very second is not older than 0 (Core section 3.1.2.1: "actively").
  login.checks.add(
    new Check('fresh_proof', 'the person must prove who they are now', (ctx) =>
      Number(ctx.oidc.params?.['max_age'] ?? Number.NaN) === 0 && ctx.oidc.result?.login === undefined
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  )

  // A native app of ours needs no consent page; the grant already says what it may have.
  consent.checks.remove('native_client_prompt')

  // OpenID Connect Core 1.0 section 3.1.2.1: the person chooses, so they sign in as whom they choose.
  const selectAccount = new Prompt({ name: 'select_account', requestable: true })
  policy.add(selectAccount, 0)

  for (const prompt of [login, selectAccount]) noteWhen(prompt, deps.clock)
  return policy
}

/** An interaction of the engine knows its second only; a proof of the same second but before the question is no answer to it. */
function noteWhen(prompt: InstanceType<typeof Prompt>, clock: Clock): void {
  const details = prompt.details
  prompt.details = async (ctx) => ({ ...(await details?.(ctx)), askedAt: clock.now() })
}

/**
 * The `acr` that this request needs and the session does not have. What the operator demands for the app is demanded; what the app
 * asks for by `acr_values` is voluntary (Core section 5.5.1.1) and asked for only where the person can give it.
 */
async function missingAcr(deps: PolicyDeps, ctx: KoaContextWithOIDC): Promise<string | undefined> {
  const { app, accountId } = partiesOf(deps, ctx)
  const { session } = ctx.oidc
  if (app === undefined || accountId === undefined || session?.acr === undefined) return undefined
  const held = { acr: session.acr as Acr, amr: session.amr ?? [] }
  const demanded = app.sessions.acr
  if (demanded !== undefined && !meets(held, demanded)) return demanded
  const asked = wantedAcrs(ctx.oidc.params?.['acr_values'])
  if (asked.length === 0 || asked.some((acr) => meets(held, acr))) return undefined
  const canGive = (await deps.credentials.listByAccount(accountId)).length > 0
  return canGive ? asked[0] : undefined
}

/** The values we know of those asked for, in the app's order of preference. */
export function wantedAcrs(acrValues: unknown): readonly string[] {
  return typeof acrValues === 'string' ? acrValues.split(' ').filter(isRequestable) : []
}

/** False: nobody can ever meet it, so nobody should be asked to try. */
export function isRequestable(acr: string): boolean {
  return requestableAcrs.some((known) => known === acr)
}

function partiesOf(
  deps: PolicyDeps,
  ctx: KoaContextWithOIDC,
): { readonly app: App | undefined; readonly accountId: AccountId | undefined } {
  return {
    app: deps.apps.findByClientId(ctx.oidc.client?.clientId ?? ''),
    accountId: parseAccountId(ctx.oidc.session?.accountId),
  }
}
