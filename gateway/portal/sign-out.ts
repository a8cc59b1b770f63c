/**
 * Signing out: the question, and the act. What becomes of it is shown by `sign-out-journey`.
 *
 * Owns: what a person is asked, and which answers an app's settings leave them. Relies on: the door through `ownAccount`, and the
 * dispatcher, which tells the apps in its own time. Never: waits for an app (invariant 6).
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { type SignOutChoice, signOutQuestionPage } from '#views/pages/sign-out-question.ts'
import { simpleMessagePage } from '#views/pages/simple-message.ts'
import { stillLeadsTo } from '../apps/after-sign-out.ts'
import type { AppId } from '../kernel/ids.ts'
import type { SignOutRequest } from '../logout/sign-out-request.ts'
import { goTo, type Pages, type Person, queryOf } from '../pages/pages.ts'
import { type EndResult, journeyPath } from '../sessions/ending.ts'
import type { PortalDeps } from './deps.ts'

/** GET and POST /sign-out. */
export function addSignOutRoutes(router: Router, deps: PortalDeps, pages: Pages): void {
  const { cookies, journeys, signOutRequests, ownAccount } = deps

  router.get('/sign-out', async (ctx) => {
    const person = await pages.personOf(ctx)
    if (person === undefined) return carryOn(ctx)
    const handle = queryOf(ctx, 'request')
    const request =
      handle === undefined ? undefined : await signOutRequests.find(handle, cookies.ensureBrowser(ctx))
    await showQuestion(ctx, person, request === undefined ? undefined : handle, request)
  })

  router.post('/sign-out', async (ctx) => {
    const person = await pages.personOf(ctx)
    // Ended meanwhile: there is nothing left to protect or to do.
    if (person === undefined) return goTo(ctx, '/sign-out')
    const form = await pages.formOf(ctx, person)
    const browser = cookies.ensureBrowser(ctx)
    const handle = form.get('request')
    const request = handle === undefined ? undefined : await signOutRequests.take(handle, browser)
    const decision = form.get('decision')
    if (decision !== 'sign-out' && decision !== 'app') return goTo(ctx, '/')
    const through = { browser, ...request }
    if (decision === 'app') {
      // Its question is over, or another tab has answered it: nobody knows any more which app was meant. Or it is no answer that the
      // app's settings leave.
      if (request?.appId === undefined || choiceOf(request.appId) === 'everywhere')
        return goTo(ctx, '/sign-out')
      return goOn(ctx, request, await ownAccount.signOutOfApp(person.session, request.appId, through))
    }
    const ended = await ownAccount.signOut(person.session, through)
    // Only now: an end that failed must not look like one.
    cookies.clearSession(ctx)
    goOn(ctx, request, ended)
  })

  /** To where the app wants the person, by way of the page where an app needs the browser, or where nothing else was wanted (DECISIONS 25). */
  function goOn(ctx: Context, request: SignOutRequest | undefined, ended: EndResult): void {
    const { logoutId, browserNeeded } = ended
    const continueTo = request === undefined ? undefined : stillLeadsTo(deps.apps, request)
    const page = logoutId === undefined ? '/sign-out' : journeyPath(logoutId)
    goTo(ctx, continueTo !== undefined && browserNeeded !== true ? continueTo : page)
  }

  /** Nobody is signed in. A sign-out that a crash, a closed tab or a second click interrupted goes on where it was. */
  async function carryOn(ctx: Context): Promise<void> {
    const browser = cookies.readBrowser(ctx)
    const open = browser === undefined ? undefined : await journeys.findOpen(browser)
    if (open !== undefined) return goTo(ctx, journeyPath(open.logoutId))
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

  async function showQuestion(
    ctx: Context,
    person: Person,
    handle: string | undefined,
    request: SignOutRequest | undefined,
  ): Promise<void> {
    const { account, session } = person
    const app = request?.appId === undefined ? undefined : deps.apps.find(request.appId)
    const appSessions = await deps.sessionStore.appSessionsOf([session.id], 'active')
    const continueTo = request === undefined ? undefined : stillLeadsTo(deps.apps, request)
    const hasPart = appSessions.some(({ appId }) => appId === app?.id)
    pages.show(
      ctx,
      signOutQuestionPage({
        appearance: deps.appearance,
        csrf: pages.csrfFor(ctx, person),
        app: app === undefined ? undefined : { name: app.name },
        request: handle,
        account: { email: account.email, name: account.name },
        appCount: appSessions.length,
        choice: hasPart ? choiceOf(app?.id) : 'everywhere',
      }),
      { leave: { formTargets: continueTo === undefined ? [] : [continueTo] } },
    )
  }

  /** What the operator lets the person choose, for an app that has a part of this session. */
  function choiceOf(appId: AppId | undefined): SignOutChoice {
    return (appId === undefined ? undefined : deps.apps.find(appId))?.logout.appSignsOut ?? 'everywhere'
  }
}
