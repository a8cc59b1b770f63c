/**
 * Who may see the operators' pages and act on them, in the order in which it is asked.
 *
 * Owns: that whoever is no operator finds nothing here, neither a page nor a hint that there is one (DECISIONS 85); that every change
 * takes a young proof (DECISIONS 86). Relies on: pages/ for who is asking and whether a form is theirs. The command asks once more.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import type { ConsolePageModel } from '#views/console-page.ts'
import type { Administrator } from '../administration/administrator.ts'
import type { Form } from '../http/body.ts'
import { secondMs } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { goTo, type Pages, type Person, queryOf } from '../pages/pages.ts'
import { parseResumePath } from '../sign-in/resume-path.ts'
import type { ConsoleDeps } from './deps.ts'

/** What the next page says of what was just done. */
const saidShape = z.object({ kind: z.enum(['done', 'problem']), words: z.string().max(500) })
export type Said = z.infer<typeof saidShape>

/** The browser asks for the next page at once; what waits longer belongs to nothing any more. */
const saidForMs = 30 * secondMs
const saidSpace = 'console-said'

const confirmPath = '/console/confirm'

export type Operators = ReturnType<typeof createOperators>

/** Creates what every route of the console begins with. */
export function createOperators(deps: ConsoleDeps, pages: Pages) {
  /** The operator, or undefined after sending the browser to sign in and back to `resumePath`. */
  const require = async (ctx: Context, resumePath: string): Promise<Person | undefined> => {
    const person = await pages.requirePerson(ctx, resumePath)
    if (person === undefined || person.account.operator) return person
    // As at any other address where there is nothing.
    throw new GatewayError('not_found', 'There is nothing at this address.')
  }

  return {
    require,
    pages,

    /**
     * Whether the session lives and the account may still look at this instant: of a page that stays open. Looking on is no use of a session.
     */
    async mayWatch(ctx: Context): Promise<boolean> {
      // Whose it is was asked once for the request, which goes on; whether it has ended since is asked again.
      const asked = await deps.sessionOf(ctx)
      const session = asked === undefined ? undefined : await deps.sessions.findLive(asked.id)
      const account = session === undefined ? undefined : await deps.accounts.find(session.accountId)
      return account?.state === 'active' && account.operator
    },

    /**
     * The operator and the form, once both are right and the proof is young; undefined after sending the browser to prove it. `backTo` is
     * the page that the form is on, and `pathOf` the same where what was filled in is part of it.
     */
    async requireForm(
      ctx: Context,
      backTo: string,
      pathOf: (form: Form) => string = () => backTo,
    ): Promise<{ readonly person: Person; readonly form: Form } | undefined> {
      const person = await require(ctx, backTo)
      if (person === undefined) return undefined
      const form = await pages.formOf(ctx, person)
      if (pages.isFresh(person.session)) return { person, form }
      goTo(ctx, await pages.toConfirm(ctx, person, pathOf(form)))
      return undefined
    },

    as: ({ account }: Person): Administrator => ({ kind: 'operator', accountId: account.id }),

    /** Kept by us and not in the address, so that no link makes a page claim that something was done (N-184). */
    say: (person: Person, said: Said): Promise<void> =>
      deps.ephemeral.put(saidSpace, person.session.id, said, saidForMs),

    /** What every page of operators shows. `path` is the page's own, to come back to. */
    async modelFor(ctx: Context, person: Person, path: string): Promise<ConsolePageModel> {
      const said = saidShape.safeParse(await deps.ephemeral.take(saidSpace, person.session.id))
      return {
        appearance: deps.appearance,
        csrf: pages.csrfFor(ctx, person),
        now: deps.clock.now(),
        personName: person.account.name,
        confirmPath: pages.isFresh(person.session)
          ? undefined
          : `${confirmPath}?to=${encodeURIComponent(path)}`,
        said: said.success ? said.data : undefined,
      }
    },
  }
}

/** The way to a fresh proof, and back to a page of the console. */
export function addConfirmRoute(router: Router, operators: Operators): void {
  router.get(confirmPath, async (ctx) => {
    const to = parseResumePath(queryOf(ctx, 'to') ?? '')
    const back = to?.startsWith('/console/') === true ? to : '/console/logouts'
    const operator = await operators.require(ctx, back)
    if (operator !== undefined) goTo(ctx, await operators.pages.toConfirm(ctx, operator, back))
  })
}
