/**
 * Signing out: the question, the act, and the page that tells what became of it.
 *
 * Owns: who may see which Logout. Relies on: the door through `ownAccount`, and the dispatcher, which tells the apps in its own time.
 * Never: waits for an app (invariant 6).
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { signOutPage } from '#views/pages/sign-out.ts'
import { signOutQuestionPage } from '#views/pages/sign-out-question.ts'
import { simpleMessagePage } from '#views/pages/simple-message.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type LogoutId, parseId } from '../kernel/ids.ts'
import type { Journey, SignOutRequest } from '../logout/journey.ts'
import { rowsOf } from '../logout/report.ts'
import { goTo, type Pages, type Person, queryOf } from '../pages/pages.ts'
import type { PortalDeps } from './deps.ts'
import { streamReports } from './sign-out-events.ts'

/** Everything under /sign-out. */
export function addSignOutRoutes(router: Router, deps: PortalDeps, pages: Pages): void {
  const { cookies, journeys, clock } = deps
  const streams = streamReports(deps)

  router.get('/sign-out', async (ctx) => {
    const person = await pages.personOf(ctx)
    if (person === undefined) return showSignedOut(ctx)
    const handle = queryOf(ctx, 'request')
    const request =
      handle === undefined ? undefined : await journeys.findRequest(handle, cookies.ensureBrowser(ctx))
    await showQuestion(ctx, person, request === undefined ? undefined : handle, request)
  })

  router.post('/sign-out', async (ctx) => {
    const person = await pages.personOf(ctx)
    // Ended meanwhile: there is nothing left to protect or to do.
    if (person === undefined) return goTo(ctx, '/sign-out')
    const form = await pages.formOf(ctx, person)
    const browser = cookies.ensureBrowser(ctx)
    const handle = form.get('request')
    const request = handle === undefined ? undefined : await journeys.takeRequest(handle, browser)
    if (form.get('decision') !== 'sign-out') return goTo(ctx, '/')
    const { logoutId } = await deps.ownAccount.signOut(person.session, request?.appId)
    // Only now: an end that failed must not look like one.
    cookies.clearSession(ctx)
    if (logoutId === undefined) return goTo(ctx, request?.continueTo ?? '/sign-out')
    const followUp = await journeys.begin(browser, { ...request, logoutId })
    // From an app that said where to go on, we go there at once; what becomes of the rest can still be looked up (DECISIONS 25).
    goTo(ctx, request?.continueTo ?? followUp)
  })

  router.get('/sign-out/:id', async (ctx) => {
    const { journey, id } = await journeyOf(ctx, ctx.params['id'])
    const report = await deps.reports.find(id)
    pages.show(
      ctx,
      signOutPage({
        appearance: deps.appearance,
        id,
        startedAt: report?.startedAt ?? clock.now(),
        now: clock.now(),
        rows: report === undefined ? [] : rowsOf(report),
        continueTo: wayOnOf(journey),
      }),
    )
  })

  router.get('/sign-out/:id/events', async (ctx) => {
    const { id } = await journeyOf(ctx, ctx.params['id'])
    await streams(ctx, id)
  })

  /** A Logout's name is public, so only the browser that signed out gets to see what became of it. */
  async function journeyOf(
    ctx: Context,
    name: string | undefined,
  ): Promise<{ readonly id: LogoutId; readonly journey: Journey }> {
    const id = parseId('logout', name)
    const browser = cookies.readBrowser(ctx)
    const journey = id === undefined || browser === undefined ? undefined : await journeys.find(id, browser)
    if (id === undefined || journey === undefined) {
      throw new GatewayError('logout_not_found', 'This sign-out is over, or it happened in another browser.')
    }
    return { id, journey }
  }

  async function showQuestion(
    ctx: Context,
    person: Person,
    handle: string | undefined,
    request: SignOutRequest | undefined,
  ): Promise<void> {
    const { account, session } = person
    const app = request?.appId === undefined ? undefined : deps.apps.find(request.appId)
    const appSessions = await deps.sessionStore.appSessionsOf([session.id], 'active')
    pages.show(
      ctx,
      signOutQuestionPage({
        appearance: deps.appearance,
        csrf: pages.csrfFor(ctx, person),
        app: app === undefined ? undefined : { name: app.name },
        request: handle,
        account: { email: account.email, name: account.name },
        appCount: appSessions.length,
      }),
      { leave: { formTargets: request?.continueTo === undefined ? [] : [request.continueTo] } },
    )
  }

  function showSignedOut(ctx: Context): void {
    pages.show(
      ctx,
      simpleMessagePage({
        appearance: deps.appearance,
        heading: 'You are signed out',
        // No word on the apps: one that could not be told may have a session of its own here.
        message: `Nobody is signed in to ${deps.appearance.name} in this browser.`,
        action: { href: '/sign-in', words: 'Sign in' },
      }),
    )
  }

  function wayOnOf({ appId, continueTo }: Journey): { href: string; appName: string } | undefined {
    const app = appId === undefined ? undefined : deps.apps.find(appId)
    return continueTo === undefined || app === undefined ? undefined : { href: continueTo, appName: app.name }
  }
}
