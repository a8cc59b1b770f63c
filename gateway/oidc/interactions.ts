/**
 * Between the engine's question and a person's answer.
 *
 * Owns: which sign-in a pending authorization needs, whether the session that came of it is enough, and the consent page.
 * Relies on: SignIn for everything about proving who somebody is; the engine's Interaction for what was asked.
 * Never: changes what the app asked for. The engine stored it, and the resumed request is checked against nothing else (N-004).
 */
import type { Context } from 'koa'
import type { Interaction, Provider } from 'oidc-provider'
import type { AccountStore, CredentialStore } from '../accounts/store.ts'
import type { App } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { ConsentStore } from '../apps/store.ts'
import type { AppendAudit } from '../audit/event.ts'
import type { Cookies } from '../http/cookies.ts'
import { factsOf } from '../http/request.ts'
import { type Clock, dayMs, toEpochSeconds } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type AppId, parseAppId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { Keyring } from '../keys/keyring.ts'
import { meets } from '../sessions/assurance.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { Wanted } from '../sign-in/attempt.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import { askedOf, type ConsentQuestion } from './consent-question.ts'
import { isRequestable } from './policy.ts'
import { interactionPath } from './provider.ts'
import { isEnough, isWhoWasAsked, wantedOf } from './wanted.ts'

export interface InteractionsDeps {
  readonly provider: () => Provider
  readonly signIn: SignIn
  readonly readSession: (ctx: Context) => Promise<SsoSession | undefined>
  readonly cookies: Cookies
  readonly apps: AppRegistry
  readonly accounts: AccountStore
  readonly credentials: CredentialStore
  readonly consents: ConsentStore
  readonly ephemeral: Ephemeral
  readonly transaction: Transaction
  readonly audit: AppendAudit
  readonly keys: Pick<Keyring, 'secret'>
  readonly clock: Clock
}

/** Somebody who comes back to the tab next morning is led back to the app; the question itself is over long before. */
const askedByMs = dayMs
const askedBySpace = 'consent-asked-by'

export type Interactions = ReturnType<typeof createInteractions>

/** Creates the steps; `routes.ts` puts them on paths. */
export function createInteractions(deps: InteractionsDeps) {
  /** The pending question of this browser: the engine's signed cookie must name it (N-003, N-046). */
  const pendingOf = async (ctx: Context, uid: string): Promise<Interaction> => {
    const shown = ctx.cookies.get(deps.cookies.names.interaction, { signed: true })
    const interaction = shown === uid ? await deps.provider().Interaction.find(uid) : undefined
    if (interaction === undefined) throw await expired(uid)
    return interaction
  }

  /** The consent form is on a path of its own, where the interaction's cookie is not sent: it is bound by the session and its own token. */
  const pendingByResume = async (uid: string): Promise<Interaction> => {
    const interaction = await deps.provider().Interaction.find(uid)
    if (interaction === undefined || interaction.prompt.name !== 'consent') throw await expired(uid)
    return interaction
  }

  /** The question is over or somebody else's. The app that asked is all that is still told of it, and where it is registered to be. */
  const expired = async (uid: string): Promise<GatewayError> => {
    const askedBy = parseAppId(String(await deps.ephemeral.get(askedBySpace, digest(uid))))
    return new GatewayError(
      'page_expired',
      'This sign-in has expired or belongs to another browser. Go back to the app and start again.',
      { cameFrom: askedBy === undefined ? undefined : placeOf(askedBy) },
    )
  }

  const placeOf = (id: AppId): { readonly name: string; readonly href: string } | undefined => {
    const app = deps.apps.find(id)
    const href = app?.launchUrl ?? app?.oidc.metadata.client_uri
    return app === undefined || app.state === 'disabled' || href === undefined
      ? undefined
      : { name: app.name, href }
  }

  const appOf = (interaction: Interaction): App => {
    const app = deps.apps.findByClientId(String(interaction.params['client_id'] ?? ''))
    // The app may have been disabled while the person was signing in (N-104's lesson for OpenID Connect).
    if (app === undefined || app.state === 'disabled')
      throw new GatewayError('app_not_found', 'This app is no longer available.')
    return app
  }

  const finish = async (
    interaction: Interaction,
    result: NonNullable<Interaction['result']>,
  ): Promise<string> => {
    interaction.result = 'error' in result ? result : { ...interaction.lastSubmission, ...result }
    await interaction.save(remainingSeconds(interaction, deps.clock))
    return interaction.returnTo
  }

  const refuse = (interaction: Interaction, error: string, description: string): Promise<string> =>
    finish(interaction, { error, error_description: description })

  /** Where the person goes next: to sign in, to agree, or on. */
  const next = async (
    ctx: Context,
    uid: string,
  ): Promise<{ redirect: string } | { consent: ConsentQuestion }> => {
    const interaction = await pendingOf(ctx, uid)
    const session = await deps.readSession(ctx)
    const app = appOf(interaction)
    if (interaction.prompt.name === 'consent') return consent(interaction, app, session)
    const wanted = wantedOf(interaction, app)
    if (session !== undefined && isEnough(session, wanted))
      return { redirect: await resume(interaction, app, session) }
    if (await cannotBeMet(deps.credentials, session, wanted)) {
      const description = 'the required authentication strength cannot be met'
      return { redirect: await refuse(interaction, 'unmet_authentication_requirements', description) }
    }
    const loginHint = interaction.params['login_hint']
    const handle = await deps.signIn.begin({
      resumePath: `${interactionPath(uid)}/finish`,
      appId: app.id,
      ...(typeof loginHint === 'string' ? { loginHint } : {}),
      browser: deps.cookies.ensureBrowser(ctx),
      address: factsOf(ctx.req).address,
      wanted,
    })
    return { redirect: `/sign-in?attempt=${handle}` }
  }

  const consent = async (
    interaction: Interaction,
    app: App,
    session: SsoSession | undefined,
  ): Promise<{ redirect: string } | { consent: ConsentQuestion }> => {
    const account = session === undefined ? undefined : await deps.accounts.find(session.accountId)
    // Bound to the session that the question was asked of: another person in this browser starts anew (N-005, N-046).
    if (session === undefined || account === undefined || interaction.session?.uid !== session.id)
      throw await expired(interaction.uid)
    await deps.ephemeral.put(askedBySpace, digest(interaction.uid), app.id, askedByMs)
    const redirectUri = String(interaction.params['redirect_uri'] ?? '')
    return { consent: { uid: interaction.uid, app, account, redirectUri, ...askedOf(interaction, app) } }
  }

  /** The session answers the question: tell the engine who it is and when they proved it, and go on where it waits. */
  const resume = async (interaction: Interaction, app: App, session: SsoSession): Promise<string> => {
    if (!isWhoWasAsked(interaction, app, session.accountId, deps.keys.secret('pairwise'))) {
      return refuse(interaction, 'login_required', 'the person whom the app asked for did not sign in')
    }
    // The answer is this session's and nobody else's: the engine takes it from no other (resume.js:46). Without that, the strength of a
    // session that has ended would be the next one's, and the session of another person would be compared with (DECISIONS 5).
    const { id: uid, accountId, acr, amr } = session
    Object.assign(interaction, { session: { uid, accountId, acr, amr: [...amr] } })
    const login = {
      accountId,
      ts: toEpochSeconds(session.authenticatedAt),
      acr,
      amr: [...amr],
      remember: true,
    }
    return finish(
      interaction,
      interaction.prompt.name === 'select_account' ? { select_account: {}, login } : { login },
    )
  }

  return {
    next,

    /** After a sign-in: on when the session is enough, back to the question when it is not. */
    finish: async (ctx: Context, uid: string): Promise<string> => {
      const interaction = await pendingOf(ctx, uid)
      const session = await deps.readSession(ctx)
      const app = appOf(interaction)
      if (session === undefined || !isEnough(session, wantedOf(interaction, app))) return interactionPath(uid)
      return resume(interaction, app, session)
    },

    /** The person does not want to. The app hears `access_denied` (RFC 6749 section 4.1.2.1). */
    cancel: async (ctx: Context, uid: string): Promise<string> =>
      refuse(await pendingOf(ctx, uid), 'access_denied', 'the person cancelled'),

    /** The answer to the consent page, remembered when it is yes. */
    answerConsent: async (ctx: Context, uid: string, allowed: boolean): Promise<string> => {
      const interaction = await pendingByResume(uid)
      const session = await deps.readSession(ctx)
      const outcome = await consent(interaction, appOf(interaction), session)
      if ('redirect' in outcome) return outcome.redirect
      const { app, account, scopes, claims } = outcome.consent
      const context = { actor: { kind: 'account', accountId: account.id } } as const
      if (!allowed) {
        await deps.audit({ type: 'consent.denied', accountId: account.id, appId: app.id }, context)
        return refuse(interaction, 'access_denied', 'the person did not agree')
      }
      await deps.transaction.run(async () => {
        await deps.consents.grant({
          accountId: account.id,
          appId: app.id,
          scopes,
          claims,
          grantedAt: deps.clock.now(),
        })
        await deps.audit({ type: 'consent.granted', accountId: account.id, appId: app.id, scopes }, context)
      })
      return finish(interaction, { consent: {} })
    },
  }
}

async function cannotBeMet(
  credentials: CredentialStore,
  session: SsoSession | undefined,
  wanted: Wanted,
): Promise<boolean> {
  if (wanted.acr === undefined) return false
  if (!isRequestable(wanted.acr)) return true
  if (session === undefined || meets(session, wanted.acr)) return false
  return (await credentials.listByAccount(session.accountId)).length === 0
}

function remainingSeconds(interaction: Interaction, clock: Clock): number {
  return Math.max(1, (interaction.exp ?? 0) - toEpochSeconds(clock.now()))
}
