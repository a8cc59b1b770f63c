/**
 * The faces of the sign-in page, and what comes after it.
 *
 * Owns: which face a browser sees. Relies on: sign-in/, which alone decides whether a proof is enough.
 * Never: says whether an account exists, or which half was wrong (N-126).
 */
import type { Context } from 'koa'
import type { AppFace } from '#views/appearance.ts'
import { errorPage } from '#views/pages/error.ts'
import { type SignInProblem, type SignInPurpose, signInPage } from '#views/pages/sign-in.ts'
import type { Account } from '../accounts/account.ts'
import { factsOf } from '../http/request.ts'
import { dayMs } from '../kernel/clock.ts'
import { digest } from '../kernel/digest.ts'
import { type AppId, parseAppId } from '../kernel/ids.ts'
import { type Pages, type Person, signInPath } from '../pages/pages.ts'
import { meets, oneFactor } from '../sessions/assurance.ts'
import type { SignInAttempt } from '../sign-in/attempt.ts'
import type { SignInOutcome } from '../sign-in/sign-in.ts'
import type { PortalDeps } from './deps.ts'

/** A person who comes back to a sign-in page of yesterday is still led to the app they wanted. */
const rememberAppMs = dayMs
const appSpace = 'sign-in-app'

export type SignInPages = ReturnType<typeof createSignInPages>

/** What the sign-in page, its passkey endpoints and the cancel button share. */
export function createSignInPages(deps: PortalDeps, pages: Pages) {
  const { signIn, clock } = deps

  const show = async (
    ctx: Context,
    handle: string,
    attempt: SignInAttempt,
    of: {
      readonly purpose: SignInPurpose
      readonly problem?: SignInProblem
      readonly status?: number
      readonly remember?: boolean
      readonly canCancel?: boolean
    },
  ): Promise<void> => {
    pages.show(
      ctx,
      signInPage({
        appearance: deps.appearance,
        csrf: pages.signInCsrf(ctx),
        attempt: handle,
        app: faceOf(attempt.appId),
        purpose: of.purpose,
        problem: of.problem,
        remember: deps.rememberMe ? { checked: of.remember === true } : undefined,
        canCancel: attempt.appId !== undefined || of.canCancel === true,
        now: clock.now(),
      }),
      {
        ...(of.status === undefined ? {} : { status: of.status }),
        // The app may be waiting for us in the window that opened this one, and our form may end at it.
        leave: { opener: attempt.appId !== undefined, formTargets: pages.formTargetsOf(attempt.appId) },
      },
    )
  }

  /** Who is asked: anyone, or the one person who is signed in and must prove it once more. */
  const purposeOf = async (
    handle: string,
    attempt: SignInAttempt,
    person: Person | undefined,
    emailTyped?: string,
  ): Promise<SignInPurpose> => {
    const { wanted, loginHint } = attempt
    if (person !== undefined && (wanted.accountId ?? person.account.id) === person.account.id) {
      // Whoever is wanted by name cannot be exchanged for another.
      const mayBeAnother = wanted.accountId === undefined
      return confirmPurpose(
        person.account,
        attempt,
        mayBeAnother ? `${signInPath(handle)}&switch=yes` : undefined,
      )
    }
    return { kind: 'sign-in', emailHint: emailTyped ?? loginHint }
  }

  const confirmPurpose = async (
    account: Account,
    { wanted }: SignInAttempt,
    switchAccountPath?: string,
  ): Promise<SignInPurpose> => ({
    kind: 'confirm',
    account: { email: account.email, name: account.name === account.email ? undefined : account.name },
    passwordIsEnough: account.hasPassword && isMetByPassword(wanted.acr),
    hasPasskey: (await deps.passkeys.list(account.id)).length > 0,
    switchAccountPath,
  })

  /** The attempt is unknown, used, over, or another browser's: one click begins again, for the same app where it is known. */
  const showExpired = async (ctx: Context, handle: string | undefined): Promise<void> => {
    const appId = handle === undefined ? undefined : await rememberedApp(handle)
    const app = appId === undefined ? undefined : deps.apps.find(appId)
    const href = app?.launchUrl ?? '/'
    pages.show(
      ctx,
      errorPage({
        appearance: deps.appearance,
        heading: 'This page has expired',
        message: 'This sign-in is over: it took too long, was used already, or began in another browser.',
        advice:
          app === undefined
            ? 'Start again; it takes a moment.'
            : `Start again; it takes you back to ${app.name}.`,
        id: factsOf(ctx.req).id,
        startAgain: { href, words: 'Start again' },
      }),
      { status: 400 },
    )
  }

  const rememberedApp = async (handle: string): Promise<AppId | undefined> =>
    parseAppId(await deps.ephemeral.get(appSpace, digest(handle)))

  function faceOf(appId: AppId | undefined): AppFace | undefined {
    const app = appId === undefined ? undefined : deps.apps.find(appId)
    return app === undefined ? undefined : { name: app.name }
  }

  return {
    show,
    purposeOf,
    confirmPurpose,
    showExpired,

    /** Keeps the name of the app a little longer than the attempt itself. */
    rememberApp: async (handle: string, appId: AppId): Promise<void> => {
      await deps.ephemeral.put(appSpace, digest(handle), appId, rememberAppMs)
    },

    /**
     * After the proof was enough: the new cookie, and on to where the person was going. Returns that address; a person without a
     * passkey passes by the page that offers one.
     */
    complete: async (
      ctx: Context,
      browser: string,
      attempt: SignInAttempt,
      outcome: Extract<SignInOutcome, { kind: 'signed-in' }>,
    ): Promise<string> => {
      pages.setSession(ctx, outcome.session, outcome.secret)
      if (!outcome.offerPasskey) return outcome.resumePath
      const { appId } = attempt
      const next = await signIn.begin({
        resumePath: outcome.resumePath,
        browser,
        address: factsOf(ctx.req).address,
        wanted: {},
        ...(appId === undefined ? {} : { appId }),
      })
      return `/sign-in/passkey?attempt=${encodeURIComponent(next)}`
    },
  }
}

/** True when a password alone can give the strength that is wanted. */
function isMetByPassword(acr: string | undefined): boolean {
  return acr === undefined || meets({ acr: oneFactor, amr: ['pwd'] }, acr)
}
