/**
 * The kill switch: which sessions, how many they are, and their end.
 *
 * Owns: the order of the three, and the word that has to be typed before everyone is signed out. Relies on: the command, which counts and
 * ends by the same conditions.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { consoleEndPage, type EndSelection } from '#views/pages/console-end.ts'
import { consoleEndConfirmPage, everyoneWord } from '#views/pages/console-end-confirm.ts'
import { parseForm } from '../http/body.ts'
import { goTo, type Person } from '../pages/pages.ts'
import type { ConsoleDeps } from './deps.ts'
import type { Operators } from './operators.ts'
import { fieldsOf, queryFor, type Selected, select, typedSelection } from './selection.ts'

const formPath = '/console/sessions/end'
const confirmPath = '/console/sessions/end/confirm'

/** Everything under /console/sessions/end. */
export function addEndRoutes(router: Router, deps: ConsoleDeps, operators: Operators): void {
  const { pages } = operators

  router.get(formPath, async (ctx) => {
    const typed = typedOf(ctx)
    const person = await operators.require(ctx, `${formPath}${queryFor(typed)}`)
    if (person !== undefined) await showForm(ctx, person, typed)
  })

  // Looks and changes nothing, so it is a GET: one that is proved first comes back to the same selection.
  router.get(confirmPath, async (ctx) => {
    const typed = typedOf(ctx)
    const here = `${confirmPath}${queryFor(typed)}`
    const person = await operators.require(ctx, here)
    if (person === undefined) return
    const selected = await select(deps, typed)
    if (selected.kind === 'refused') return showForm(ctx, person, typed, selected)
    // Asked for before the count, and not between the count and the end of what was counted.
    if (!pages.isFresh(person.session)) return goTo(ctx, await pages.toConfirm(ctx, person, here))
    const { where, words } = selected
    const found = await deps.sessionCommands.countWhere(where, operators.as(person))
    pages.show(
      ctx,
      consoleEndConfirmPage({
        ...(await operators.modelFor(ctx, person, here)),
        found: { sessions: found.ssoSessions, people: found.accounts, apps: found.apps },
        conditions: words,
        fields: fieldsOf(typed),
        changePath: `${formPath}${queryFor(typed)}`,
        mayEndOwn: where.account === undefined || where.account === person.account.id,
      }),
    )
  })

  router.post(formPath, async (ctx) => {
    const asked = await operators.requireForm(
      ctx,
      formPath,
      (form) => `${confirmPath}${queryFor(typedSelection((name) => form.get(name)))}`,
    )
    if (asked === undefined) return
    const { person, form } = asked
    const typed = typedSelection((name) => form.get(name))
    const selected = await select(deps, typed)
    if (selected.kind === 'refused') return showForm(ctx, person, typed, selected)
    if (typed.everyone && form.get('typed')?.trim().toLowerCase() !== everyoneWord) {
      const words = `Type the word “${everyoneWord}” to go on. Nothing has ended.`
      await operators.say(person, { kind: 'problem', words })
      return goTo(ctx, `${confirmPath}${queryFor(typed)}`)
    }
    const { logoutId } = await deps.sessionCommands.endWhere(selected.where, operators.as(person))
    if (logoutId !== undefined) return goTo(ctx, `/console/logouts/${logoutId}`)
    await operators.say(person, { kind: 'problem', words: 'No session matched any more. Nothing has ended.' })
    goTo(ctx, `${formPath}${queryFor(typed)}`)
  })

  /** A condition that comes twice is refused as in a form: read as none, it would find more than was meant. */
  function typedOf(ctx: Context): EndSelection {
    const query = parseForm(ctx.querystring)
    return typedSelection((name) => query.get(name))
  }

  async function showForm(
    ctx: Context,
    person: Person,
    selection: EndSelection,
    refusal?: Extract<Selected, { kind: 'refused' }>,
  ): Promise<void> {
    const path = `${formPath}${queryFor(selection)}`
    pages.show(ctx, consoleEndPage({ ...(await operators.modelFor(ctx, person, path)), selection, refusal }))
  }
}
