/** Signing in with a passkey: the two addresses that passkey.js talks to, and the page that offers one afterwards. */
import type Router from '@koa/router'
import { z } from 'zod'
import { offerPasskeyPage } from '#views/pages/offer-passkey.ts'
import { GatewayError } from '../kernel/errors.ts'
import { goTo, type Pages, queryOf, signInPath } from '../pages/pages.ts'
import type { PortalDeps } from './deps.ts'
import { readShape } from './shape.ts'
import type { SignInPages } from './sign-in-page.ts'

const asked = z.object({ attempt: z.string() })
const answered = asked.extend({ credential: z.unknown(), remember: z.string().optional() })

/** Everything under /sign-in/passkey. */
export function addPasskeySignInRoutes(
  router: Router,
  deps: PortalDeps,
  pages: Pages,
  signInPages: SignInPages,
): void {
  const { signIn } = deps

  router.post('/sign-in/passkey/options', async (ctx) => {
    const { value, browser } = await pages.signInJsonOf(ctx)
    const { attempt: handle } = readShape(asked, value)
    const { address } = pages.originOf(ctx)
    const options = await signIn.passkeyOptions({ handle, browser, address })
    // The page itself says that it has expired, and how to begin again.
    if (options === undefined) return goTo(ctx, signInPath(handle))
    ctx.body = { options }
  })

  router.post('/sign-in/passkey', async (ctx) => {
    const { value, browser } = await pages.signInJsonOf(ctx)
    const { attempt: handle, credential, remember } = readShape(answered, value)
    const attempt = await signIn.find(handle, browser)
    if (attempt === undefined) return goTo(ctx, signInPath(handle))
    const person = await pages.personOf(ctx)
    const outcome = await signIn.withPasskey({
      handle,
      browser,
      response: credential,
      remember: deps.rememberMe && remember === 'yes',
      ...pages.originOf(ctx),
      ...(person === undefined ? {} : { current: person.session }),
    })
    switch (outcome.kind) {
      case 'signed-in':
        ctx.body = { location: await signInPages.complete(ctx, browser, attempt, outcome) }
        return
      case 'refused':
      case 'more-needed':
        throw new GatewayError(
          'challenge_invalid',
          'That passkey was not accepted. Try again, or sign in another way.',
          // For passkey.js, which tells the passkey manager. The id came from there, so this tells of no account.
          outcome.kind === 'refused' && outcome.unknownPasskey
            ? { extension: { unknown_credential: true } }
            : {},
        )
      case 'throttled':
      case 'busy':
        throw new GatewayError(
          outcome.kind,
          outcome.kind === 'busy'
            ? 'Many people are signing in right now. Wait a moment and try again.'
            : 'Too many tries. Wait a few minutes, then try again.',
          { retryAfterSeconds: outcome.retryAfterSeconds },
        )
      case 'expired':
        return goTo(ctx, signInPath(handle))
      default:
        return outcome satisfies never
    }
  })

  router.get('/sign-in/passkey', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/')
    if (person === undefined) return
    const handle = queryOf(ctx, 'attempt')
    const attempt =
      handle === undefined ? undefined : await signIn.find(handle, deps.cookies.ensureBrowser(ctx))
    // Too late to offer anything, and nothing is lost: the account page does.
    if (attempt === undefined) return goTo(ctx, '/')
    pages.show(
      ctx,
      offerPasskeyPage({
        appearance: deps.appearance,
        csrf: pages.csrfFor(ctx, person),
        attempt: handle,
        skipPath: '/sign-in/passkey/skip',
      }),
      { leave: { opener: attempt.appId !== undefined, formTargets: pages.formTargetsOf(attempt.appId) } },
    )
  })

  router.post('/sign-in/passkey/skip', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/')
    if (person === undefined) return
    const form = await pages.formOf(ctx, person)
    const attempt = await signIn.find(form.get('attempt') ?? '', deps.cookies.ensureBrowser(ctx))
    goTo(ctx, attempt?.resumePath ?? '/')
  })
}
