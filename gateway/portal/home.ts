/** The start page: the apps this person may open, with a dot where a session is live. */
import type Router from '@koa/router'
import { homePage } from '#views/pages/home.ts'
import { isOpenTo } from '../apps/app.ts'
import type { Notices } from '../pages/notices.ts'
import type { Pages } from '../pages/pages.ts'
import type { PortalDeps } from './deps.ts'

/** GET /. */
export function addHomeRoute(
  router: Router,
  deps: PortalDeps,
  pages: Pages,
  notices: Notices<'welcome'>,
): void {
  router.get('/', async (ctx) => {
    const person = await pages.requirePerson(ctx, '/')
    if (person === undefined) return
    const { session, account } = person
    const live = new Set(
      (await deps.sessionStore.appSessionsOf([session.id], 'active')).map(({ appId }) => appId),
    )
    const apps = deps.apps
      .list()
      .filter((app) => isOpenTo(app, account.groups))
      // One that cannot be opened from here is only worth a tile while it has a session.
      .filter((app) => app.launchUrl !== undefined || live.has(app.id))
      .map(({ id, name, launchUrl }) => ({ name, launchUrl, live: live.has(id) }))
    pages.show(
      ctx,
      homePage({
        appearance: deps.appearance,
        csrf: pages.csrfFor(ctx, person),
        personName: account.name,
        apps,
        isOperator: account.operator,
        welcome: (await notices.take(session)) === 'welcome',
      }),
    )
  })
}
