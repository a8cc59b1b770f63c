/**
 * The page of a sign-out: what became of it, and the way of the browser past the apps that only it can tell.
 *
 * Owns: who may see which Logout, and when the browser goes on. Relies on: journeys for what is left to tell.
 * Never: takes the browser's word for more than that a page has loaded, or sends it where no app is registered any more.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import { signOutPage } from '#views/pages/sign-out.ts'
import { stillLeadsTo } from '../apps/after-sign-out.ts'
import { GatewayError } from '../kernel/errors.ts'
import { type LogoutId, parseId } from '../kernel/ids.ts'
import type { Frame } from '../logout/journey.ts'
import type { Journey } from '../logout/journey-store.ts'
import { goTo, type Pages, type Person, queryOf } from '../pages/pages.ts'
import { journeyPath } from '../sessions/ending.ts'
import type { PortalDeps } from './deps.ts'
import { readShape } from './shape.ts'
import { streamReports } from './sign-out-events.ts'
import { scopeOf, shownOf } from './sign-out-scope.ts'

/** A session has at most as many apps as there are; more than this in one message is not from our page. */
const loaded = z.object({ loaded: z.array(z.string().max(64)).max(1_000) })

/** Everything under /sign-out/<logout id>. */
export function addSignOutJourneyRoutes(router: Router, deps: PortalDeps, pages: Pages): void {
  const { cookies, journeys, clock } = deps
  const streams = streamReports(deps)

  router.get('/sign-out/:id', async (ctx) => {
    const { journey, id } = await journeyOf(ctx)
    const report = await deps.reports.find(id)
    const person = await pages.personOf(ctx)
    const frames = await leftToLoad(journey, person)
    const byDelivery = new Map(report?.deliveries.map((delivery) => [delivery.id, delivery.appName]))
    pages.show(
      ctx,
      signOutPage({
        appearance: deps.appearance,
        csrf: pages.browserCsrf(ctx, purposeOf(id)),
        id,
        startedAt: report?.startedAt ?? clock.now(),
        now: clock.now(),
        rows: shownOf(report),
        frames: frames.map(({ deliveryId, address }) => ({
          deliveryId,
          address,
          appName: byDelivery.get(deliveryId) ?? '',
        })),
        waitMs: deps.frontChannelWaitMs,
        scope: scopeOf(report),
        signedIn: person !== undefined,
        continueTo: wayOnOf(journey),
      }),
      { leave: leaveFor(frames) },
    )
  })

  router.get('/sign-out/:id/events', async (ctx) => {
    const { id } = await journeyOf(ctx)
    await streams(ctx, id)
  })

  router.post('/sign-out/:id/loaded', async (ctx) => {
    const said = readShape(loaded, await pages.browserJsonOf(ctx, purposeOf(ctx.params['id'])))
    const { journey } = await journeyOf(ctx)
    await journeys.loaded(
      journey,
      said.loaded.flatMap((name) => parseId('delivery', name) ?? []),
    )
    ctx.status = 204
  })

  // Where the page leads by itself. Without JavaScript a browser comes here once every frame of the page has loaded (HTML, section
  // 4.2.5.3: a refresh comes due after that), with the token that only this page had.
  router.get('/sign-out/:id/on', async (ctx) => {
    const { journey, id } = await journeyOf(ctx)
    const token = queryOf(ctx, 'loaded')
    if (token !== undefined) {
      pages.checkBrowserCsrf(ctx, purposeOf(id), token)
      // Of an app that was opened again the page had no frame, so nothing has loaded.
      const frames = await leftToLoad(journey, await pages.personOf(ctx))
      await journeys.loaded(
        journey,
        frames.map(({ deliveryId }) => deliveryId),
      )
    }
    goTo(ctx, stillLeadsTo(deps.apps, journey) ?? journeyPath(id))
  })

  /** A Logout's name is public, so only the browser that signed out gets to see what became of it. */
  async function journeyOf(ctx: Context): Promise<{ readonly id: LogoutId; readonly journey: Journey }> {
    const id = parseId('logout', ctx['params']['id'])
    const browser = cookies.readBrowser(ctx)
    const journey = id === undefined || browser === undefined ? undefined : await journeys.find(id, browser)
    if (id === undefined || journey === undefined) {
      throw new GatewayError('logout_not_found', 'This sign-out is over, or it happened in another browser.')
    }
    return { id, journey }
  }

  /** The frames that the page has for whoever is signed in by now. */
  async function leftToLoad(journey: Journey, person: Person | undefined): Promise<readonly Frame[]> {
    const open =
      person === undefined ? [] : await deps.sessionStore.appSessionsOf([person.session.id], 'active')
    return journeys.framesOf(journey, new Set(open.map(({ appId }) => appId)))
  }

  function wayOnOf(journey: Journey): { href: string; appName?: string } | undefined {
    const href = stillLeadsTo(deps.apps, journey)
    const app = journey.appId === undefined ? undefined : deps.apps.find(journey.appId)
    return href === undefined ? undefined : { href, ...(app === undefined ? {} : { appName: app.name }) }
  }
}

/** What a token of the page is good for: this sign-out and no other. */
function purposeOf(id: string | undefined): string {
  return `sign-out ${id}`
}

/** A page without frames needs no leave, and keeps the strict policy. */
function leaveFor(frames: readonly Frame[]): { readonly frames?: readonly string[] } {
  return frames.length === 0 ? {} : { frames: frames.map(({ address }) => address) }
}
