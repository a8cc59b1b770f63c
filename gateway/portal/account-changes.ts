/**
 * What people change on their account page.
 *
 * Every route here does the same four things in this order: who is asking, is the form theirs, is their proof young enough for
 * this change, then the command. Ending sessions and removing an app's access need no young proof: whoever sees a stranger's ends it
 * at once.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import type { PasswordChangeOutcome } from '../administration/own-account.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAppId, parseId } from '../kernel/ids.ts'
import type { Notices } from '../pages/notices.ts'
import { goTo, type Pages, type Person } from '../pages/pages.ts'
import { journeyPath } from '../sessions/ending.ts'
import { type AccountNotice, confirmPath } from './account.ts'
import type { PortalDeps } from './deps.ts'
import { readShape } from './shape.ts'

const registered = z.object({ credential: z.unknown(), attempt: z.string().optional() })

/** Every POST under /account. */
export function addAccountChangeRoutes(
  router: Router,
  deps: PortalDeps,
  pages: Pages,
  notices: Notices<AccountNotice>,
): void {
  const { ownAccount, passkeys } = deps

  /** Back to the account page with a word on what happened. */
  const say = async (ctx: Context, person: Person, notice: AccountNotice, part: string): Promise<void> => {
    await notices.put(person.session, notice)
    goTo(ctx, `/account#${part}`)
  }

  router.post('/account/sessions/:id/end', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    await pages.formOf(ctx, person)
    const id = parseId('ssoSession', ctx.params['id'])
    if (id === undefined) throw new GatewayError('session_not_found', 'There is no such session.')
    if (id === person.session.id) return signOutHere(ctx, person)
    // Another person's id ends nothing and reads the same (N-192).
    await ownAccount.endSession(person.session, id)
    await say(ctx, person, 'session-ended', 'sessions')
  })

  router.post('/account/sessions/end-others', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    await pages.formOf(ctx, person)
    await ownAccount.endOtherSessions(person.session)
    await say(ctx, person, 'others-ended', 'sessions')
  })

  router.post('/account/apps/:id/remove', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    await pages.formOf(ctx, person)
    const id = parseAppId(ctx.params['id'] ?? '')
    if (id === undefined) throw new GatewayError('app_not_found', 'There is no such app.')
    // Asked for twice it is gone all the same.
    await ownAccount.removeOffline(person.session, id)
    await say(ctx, person, 'away-removed', 'away')
  })

  router.post('/account/passkeys/options', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    await pages.jsonOf(ctx, person)
    const outcome = await passkeys.registrationOptions(person.session)
    switch (outcome.kind) {
      case 'options':
        ctx.body = { options: outcome.options }
        return
      case 'fresh-proof-needed':
        return goTo(ctx, await pages.toSignIn(ctx, '/account', outcome.wanted))
      case 'too-many':
        throw tooMany()
      case 'session-ended':
        return goTo(ctx, '/sign-in')
      default:
        return outcome satisfies never
    }
  })

  router.post('/account/passkeys', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    const { credential, attempt } = readShape(registered, await pages.jsonOf(ctx, person))
    const outcome = await passkeys.register(person.session, credential)
    switch (outcome.kind) {
      case 'added':
        ctx.body = { location: await afterAdding(ctx, person, attempt) }
        return
      case 'too-many':
        throw tooMany()
      case 'exists':
        throw new GatewayError('credential_exists', 'This device has a passkey for your account already.')
      case 'refused':
        throw new GatewayError('challenge_invalid', 'That passkey was not accepted. Try again.')
      case 'session-ended':
        return goTo(ctx, '/sign-in')
      default:
        return outcome satisfies never
    }
  })

  router.post('/account/passkeys/:id/rename', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    const form = await pages.formOf(ctx, person)
    const { account } = person
    try {
      const renamed = await passkeys.rename({
        accountId: account.id,
        credentialId: passkeyId(ctx.params['id']),
        name: form.get('name') ?? '',
        actor: { kind: 'account', accountId: account.id },
      })
      if (!renamed) throw noSuchPasskey()
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'input_invalid')) throw error
      return say(ctx, person, 'passkey-name-invalid', 'passkeys')
    }
    await say(ctx, person, 'passkey-renamed', 'passkeys')
  })

  router.post('/account/passkeys/:id/remove', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    await pages.formOf(ctx, person)
    if (!pages.isFresh(person.session)) return goTo(ctx, confirmPath)
    const { account } = person
    const outcome = await passkeys.remove({
      accountId: account.id,
      credentialId: passkeyId(ctx.params['id']),
      actor: { kind: 'account', accountId: account.id },
      acr: person.session.acr,
    })
    switch (outcome.kind) {
      case 'stronger-proof-needed':
        return goTo(ctx, await pages.toSignIn(ctx, '/account', outcome.wanted))
      case 'removed':
        // It may have opened this very session; then the next page asks to sign in.
        return say(ctx, person, 'passkey-removed', 'passkeys')
      case 'only-way-in':
        return say(ctx, person, 'last-way-in', 'passkeys')
      case 'not-found':
        throw noSuchPasskey()
      default:
        return outcome satisfies never
    }
  })

  router.post('/account/password', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/account')
    if (person === undefined) return
    const form = await pages.formOf(ctx, person)
    // Setting a first password has no old one to ask for: the proof is all there is.
    if (!pages.isFresh(person.session)) return goTo(ctx, confirmPath)
    const currentPassword = form.get('current_password')
    const { address } = pages.originOf(ctx)
    const outcome = await ownAccount.changePassword({
      session: person.session,
      ...(currentPassword === undefined ? {} : { currentPassword }),
      newPassword: form.get('new_password') ?? '',
      address,
      browser: deps.cookies.ensureBrowser(ctx),
    })
    if (outcome.kind === 'changed') pages.setSession(ctx, person.session, outcome.secret)
    if (outcome.kind === 'session-ended') return goTo(ctx, '/sign-in')
    await say(ctx, person, passwordNotice(outcome), 'security')
  })

  /** Ending the session one is in is signing out. */
  async function signOutHere(ctx: Context, { session }: Person): Promise<void> {
    const { logoutId } = await ownAccount.signOut(session, { browser: deps.cookies.ensureBrowser(ctx) })
    deps.cookies.clearSession(ctx)
    goTo(ctx, logoutId === undefined ? '/sign-out' : journeyPath(logoutId))
  }

  /** Added from the page that offered it: on to where the person was going. */
  async function afterAdding(ctx: Context, person: Person, attempt: string | undefined): Promise<string> {
    const found =
      attempt === undefined ? undefined : await deps.signIn.find(attempt, deps.cookies.ensureBrowser(ctx))
    if (found !== undefined) return found.resumePath
    await notices.put(person.session, 'passkey-added')
    return '/account#passkeys'
  }
}

function passwordNotice(
  outcome: Exclude<PasswordChangeOutcome, { readonly kind: 'session-ended' }>,
): AccountNotice {
  switch (outcome.kind) {
    case 'changed':
      return 'password-changed'
    case 'wrong':
      return 'password-wrong'
    case 'invalid':
      return outcome.problem === 'not-text' ? 'password-too-long' : `password-${outcome.problem}`
    case 'throttled':
    case 'busy':
      return 'throttled'
    case 'file-owned':
      throw new GatewayError(
        'account_file_owned',
        'Your password is set in this gateway’s configuration file, so it is changed there.',
      )
    default:
      return outcome satisfies never
  }
}

function passkeyId(text: string | undefined) {
  const id = parseId('credential', text)
  if (id === undefined) throw noSuchPasskey()
  return id
}

function noSuchPasskey(): GatewayError {
  return new GatewayError('credential_not_found', 'You have no such passkey.')
}

function tooMany(): GatewayError {
  return new GatewayError('forbidden', 'You have as many passkeys as an account may have. Remove one first.')
}
