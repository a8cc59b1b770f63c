/** The first operator's account, behind the one-time link that the first start prints (N-195). */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import { type SetUpProblem, setUpPage } from '#views/pages/set-up.ts'
import { simpleMessagePage } from '#views/pages/simple-message.ts'
import { passwordMinLength } from '../accounts/directory.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Notices } from '../pages/notices.ts'
import { goTo, type Pages } from '../pages/pages.ts'
import type { SetUpOutcome, SetUpProblems } from '../sign-in/set-up.ts'
import type { PortalDeps } from './deps.ts'
import { readShape } from './shape.ts'

const asked = z.object({ email: z.string(), name: z.string() })
const answered = z.object({ credential: z.unknown() })

interface Typed {
  readonly email?: string
  readonly name?: string
}

/** Everything under /set-up/<token>. */
export function addSetUpRoutes(
  router: Router,
  deps: PortalDeps,
  pages: Pages,
  notices: Notices<'welcome'>,
): void {
  const { setUp } = deps

  router.get('/set-up/:token', async (ctx) => {
    const token = tokenOf(ctx)
    if (await setUp.isOpen(token)) showForm(ctx, token)
    else showUsed(ctx)
  })

  router.post('/set-up/:token', async (ctx) => {
    const { form, browser } = await pages.signInFormOf(ctx)
    const token = tokenOf(ctx)
    const typed = { email: form.get('email') ?? '', name: form.get('name') ?? '' }
    const outcome = await setUp.completeWithPassword({
      token,
      browser,
      ...typed,
      password: form.get('password') ?? '',
      ...pages.originOf(ctx),
    })
    switch (outcome.kind) {
      case 'signed-in':
        return goTo(ctx, await welcome(ctx, outcome))
      case 'invalid':
        return showForm(ctx, token, typed, problemOf(outcome.problems))
      case 'link-invalid':
        return showUsed(ctx)
      case 'refused':
        return showForm(ctx, token, typed)
      case 'busy':
        throw busy(outcome.retryAfterSeconds)
      default:
        return outcome satisfies never
    }
  })

  router.post('/set-up/:token/passkey/options', async (ctx) => {
    const { value, browser } = await pages.signInJsonOf(ctx)
    const token = tokenOf(ctx)
    const outcome = await setUp.passkeyOptions({ token, browser, ...readShape(asked, value) })
    switch (outcome.kind) {
      case 'options':
        ctx.body = { options: outcome.options }
        return
      case 'invalid':
        throw new GatewayError('input_invalid', wordsOf(problemOf(outcome.problems)))
      case 'link-invalid':
        return goTo(ctx, `/set-up/${encodeURIComponent(token)}`)
      default:
        return outcome satisfies never
    }
  })

  router.post('/set-up/:token/passkey', async (ctx) => {
    const { value, browser } = await pages.signInJsonOf(ctx)
    const token = tokenOf(ctx)
    const { credential } = readShape(answered, value)
    const outcome = await setUp.completeWithPasskey({
      token,
      browser,
      response: credential,
      ...pages.originOf(ctx),
    })
    switch (outcome.kind) {
      case 'signed-in':
        ctx.body = { location: await welcome(ctx, outcome) }
        return
      case 'invalid':
        throw new GatewayError('input_invalid', wordsOf(problemOf(outcome.problems)))
      case 'link-invalid':
        return goTo(ctx, `/set-up/${encodeURIComponent(token)}`)
      case 'refused':
        throw new GatewayError('challenge_invalid', 'That passkey was not accepted. Try again.')
      case 'busy':
        throw busy(outcome.retryAfterSeconds)
      default:
        return outcome satisfies never
    }
  })

  async function welcome(
    ctx: Context,
    outcome: Extract<SetUpOutcome, { kind: 'signed-in' }>,
  ): Promise<string> {
    pages.setSession(ctx, outcome.session, outcome.secret)
    await notices.put(outcome.session, 'welcome')
    return '/'
  }

  function showForm(ctx: Context, token: string, typed: Typed = {}, problem?: SetUpProblem): void {
    pages.show(
      ctx,
      setUpPage({
        appearance: deps.appearance,
        csrf: pages.signInCsrf(ctx),
        token,
        ...typed,
        passwordMinLength,
        problem,
      }),
      { status: problem === undefined ? 200 : 400 },
    )
  }

  function showUsed(ctx: Context): void {
    pages.show(
      ctx,
      simpleMessagePage({
        appearance: deps.appearance,
        heading: 'This link no longer works',
        message:
          'It was used already, or its 30 minutes are over. “gatehouse account operator” prints a new one.',
      }),
      { status: 404 },
    )
  }
}

function tokenOf(ctx: Context & { readonly params?: Readonly<Record<string, string>> }): string {
  return ctx.params?.['token'] ?? ''
}

/** The first thing to put right, in the order of the fields. */
function problemOf({ email, name, password }: SetUpProblems): SetUpProblem {
  if (email !== undefined) return email === 'taken' ? 'email-taken' : 'email-invalid'
  if (name !== undefined) return 'name-missing'
  switch (password) {
    case 'too-long':
    case 'not-text':
      return 'password-too-long'
    case 'is-email':
      return 'password-is-email'
    case 'too-short':
    case undefined:
      return 'password-too-short'
    default:
      return password satisfies never
  }
}

function wordsOf(problem: SetUpProblem): string {
  switch (problem) {
    case 'email-invalid':
      return 'That is not an e-mail address. Check it for typing mistakes.'
    case 'email-taken':
      return 'There is an account with that address already.'
    default:
      return 'Enter your e-mail address and your name first.'
  }
}

function busy(retryAfterSeconds: number): GatewayError {
  return new GatewayError('busy', 'The gateway is busy. Wait a moment and try again.', { retryAfterSeconds })
}
