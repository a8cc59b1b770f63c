/**
 * Signing in. The page is a plain form with fields `email` and `password`, and works without JavaScript.
 */
import type Router from '@koa/router'
import type { SignInProblem, SignInPurpose } from '#views/pages/sign-in.ts'
import { secondMs } from '../kernel/clock.ts'
import { goTo, type Pages, type Person, queryOf } from '../pages/pages.ts'
import { meets } from '../sessions/assurance.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SignInAttempt } from '../sign-in/attempt.ts'
import type { PortalDeps } from './deps.ts'
import type { SignInPages } from './sign-in-page.ts'

/** GET /sign-in, POST /sign-in, POST /sign-in/cancel. */
export function addSignInRoutes(
  router: Router,
  deps: PortalDeps,
  pages: Pages,
  signInPages: SignInPages,
): void {
  const { signIn, clock } = deps

  router.get('/sign-in', async (ctx) => {
    const handle = queryOf(ctx, 'attempt')
    const person = await pages.personOf(ctx)
    if (handle === undefined) {
      goTo(ctx, person === undefined ? await pages.toSignIn(ctx, '/') : '/')
      return
    }
    const attempt = await signIn.find(handle, deps.cookies.ensureBrowser(ctx))
    if (attempt === undefined) return signInPages.showExpired(ctx, handle)
    // Signed in meanwhile, in another tab: what this page would ask for has been proved.
    if (person !== undefined && isMetBy(attempt, person.session)) return goTo(ctx, attempt.resumePath)
    if (attempt.appId !== undefined) await signInPages.rememberApp(handle, attempt.appId)
    const asked = queryOf(ctx, 'switch') === undefined ? person : undefined
    const purpose = await signInPages.purposeOf(handle, attempt, asked)
    await signInPages.show(ctx, handle, attempt, { purpose, canCancel: person !== undefined })
  })

  router.post('/sign-in', async (ctx) => {
    const { form, browser } = await pages.signInFormOf(ctx)
    const handle = form.get('attempt') ?? ''
    const attempt = await signIn.find(handle, browser)
    if (attempt === undefined) return signInPages.showExpired(ctx, handle)
    const person = await pages.personOf(ctx)
    const email = form.get('email') ?? ''
    const remember = deps.rememberMe && form.get('remember') === 'yes'
    const outcome = await signIn.withPassword({
      handle,
      browser,
      email,
      password: form.get('password') ?? '',
      remember,
      ...pages.originOf(ctx),
      ...(person === undefined ? {} : { current: person.session }),
    })
    const again = async (problem: SignInProblem | undefined, status: number, purpose?: SignInPurpose) =>
      signInPages.show(ctx, handle, attempt, {
        purpose: purpose ?? (await purposeOfAnswer(handle, attempt, person, email)),
        ...(problem === undefined ? {} : { problem }),
        status,
        remember,
        canCancel: person !== undefined,
      })
    switch (outcome.kind) {
      case 'signed-in':
        return goTo(ctx, await signInPages.complete(ctx, browser, attempt, outcome))
      case 'refused':
        return again({ kind: 'wrong' }, 403)
      case 'more-needed':
        return again(undefined, 200, await stepUpPurpose(handle, browser, attempt, person, email))
      case 'throttled':
        ctx.set('Retry-After', String(outcome.retryAfterSeconds))
        return again(
          { kind: 'throttled', tryAgainAt: clock.now() + outcome.retryAfterSeconds * secondMs },
          429,
        )
      case 'busy':
        ctx.set('Retry-After', String(outcome.retryAfterSeconds))
        return again({ kind: 'busy' }, 503)
      case 'expired':
        return signInPages.showExpired(ctx, handle)
      default:
        return outcome satisfies never
    }
  })

  router.post('/sign-in/cancel', async (ctx) => {
    const { form, browser } = await pages.signInFormOf(ctx)
    const handle = form.get('attempt') ?? ''
    const attempt = await signIn.find(handle, browser)
    if (attempt === undefined) return signInPages.showExpired(ctx, handle)
    goTo(ctx, attempt.appId === undefined ? attempt.resumePath : cancelPath(attempt.resumePath))
  })

  /** The same face that the answer was given to: who typed another address meant another account. */
  async function purposeOfAnswer(
    handle: string,
    attempt: SignInAttempt,
    person: Person | undefined,
    email: string,
  ): Promise<SignInPurpose> {
    return person?.account.email === email
      ? signInPages.purposeOf(handle, attempt, person)
      : signInPages.purposeOf(handle, attempt, undefined, email)
  }

  /** The password was right, so this person's page may say what is missing: it tells nothing to a guesser. */
  async function stepUpPurpose(
    handle: string,
    browser: string,
    attempt: SignInAttempt,
    person: Person | undefined,
    email: string,
  ): Promise<SignInPurpose> {
    const proved = await signIn.find(handle, browser)
    const accountId = proved?.proofs.at(-1)?.accountId
    const account = accountId === undefined ? undefined : await deps.accounts.find(accountId)
    return account === undefined
      ? purposeOfAnswer(handle, attempt, person, email)
      : signInPages.confirmPurpose(account, attempt)
  }
}

/** Where an app is told that the person would rather not: the edge that began the attempt answers there. */
function cancelPath(resumePath: string): string {
  return `${resumePath}${resumePath.includes('?') ? '&' : '?'}cancel=yes`
}

/**
 * True when a session that began or was proved after the attempt gives what it wants. An attempt begun beside a live session asks
 * for something else on purpose, so an older proof never answers it.
 */
function isMetBy({ wanted, startedAt }: SignInAttempt, session: SsoSession): boolean {
  return (
    session.authenticatedAt >= Math.max(startedAt, wanted.provedAfter ?? 0) &&
    (wanted.accountId === undefined || wanted.accountId === session.accountId) &&
    (wanted.acr === undefined || meets(session, wanted.acr))
  )
}
