/** Trying an app's way to be told: a button, and what it found. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { type CheckReport, consoleCheckPage } from '#views/pages/console-check.ts'
import type { App } from '../apps/app.ts'
import { hourMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAppId } from '../kernel/ids.ts'
import type { AppCheckReport } from '../logout/app-check.ts'
import { goTo, type Person } from '../pages/pages.ts'
import type { ConsoleDeps } from './deps.ts'
import type { Operators } from './operators.ts'

/** The latest check of an operator can be looked at for so long; the audit trail keeps what came of it. */
const keptForMs = hourMs
const space = 'console-check'

/** Everything under /console/apps/<id>/check. */
export function addCheckRoutes(router: Router, deps: ConsoleDeps, operators: Operators): void {
  router.get('/console/apps/:id/check', async (ctx) => {
    const path = `/console/apps/${encodeURIComponent(ctx.params['id'] ?? '')}/check`
    const person = await operators.require(ctx, path)
    if (person === undefined) return
    const app = requireApp(ctx)
    // Written by the route below, in the shape that the view takes.
    const kept = (await deps.ephemeral.get(space, keyOf(person, app))) as CheckReport | undefined
    operators.pages.show(
      ctx,
      consoleCheckPage({
        ...(await operators.modelFor(ctx, person, path)),
        app: { id: app.id, name: app.name },
        report: kept,
      }),
    )
  })

  router.post('/console/apps/:id/check', async (ctx) => {
    const path = `/console/apps/${encodeURIComponent(ctx.params['id'] ?? '')}/check`
    const asked = await operators.requireForm(ctx, path)
    if (asked === undefined) return
    const app = requireApp(ctx)
    try {
      const report = await deps.checkApp(app.id, operators.as(asked.person))
      await deps.ephemeral.put(space, keyOf(asked.person, app), asShown(report), keptForMs)
    } catch (error) {
      // One at a time, and few in all: not a failure, and the page says when to come back.
      if (!(error instanceof GatewayError && error.code === 'busy')) throw error
      await operators.say(asked.person, { kind: 'problem', words: error.message })
    }
    goTo(ctx, path)
  })

  function requireApp(ctx: Context): App {
    const id = parseAppId(ctx['params']['id'])
    const app = id === undefined ? undefined : deps.apps.find(id)
    if (app === undefined) throw new GatewayError('not_found', 'There is nothing at this address.')
    return app
  }
}

function keyOf({ session }: Person, { id }: App): string {
  return `${session.id}.${id}`
}

function asShown({ checkedAt, url, outcome, summary, connection, cases }: AppCheckReport): CheckReport {
  return {
    checkedAt,
    url,
    kind: outcome,
    summary,
    connection: connection?.kind === 'unreachable' ? connection : undefined,
    cases: cases.map(({ id, title, verdict, clause, expected, answered, advice }) => ({
      id,
      title,
      state: verdict,
      clause,
      expected,
      answered,
      advice,
    })),
  }
}
