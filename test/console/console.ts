/** The gateway with an operator, a person, and apps that answer as they are told. */
import type { Account } from '#gateway/accounts/account.ts'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import { app, type Portal, password, startPortal } from '#test/portal/portal.ts'
import type { Visitor } from '#test/portal/visitor.ts'
import type { TestGatewayOptions } from '#test/support/gateway.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'

export const grace = 'grace@example.com'

/** Not now, and not before a minute has passed: whatever comes sooner was asked for by an operator. */
export const inAMinute = { answer: 503, headers: { 'Retry-After': '60' } } as const

export interface Console extends Portal {
  /** Grace's browser. */
  readonly operator: Visitor
  readonly graceAccount: Account
  readonly adaAccount: Account
  /** What Wiki is: reachable until it is told to fail. Notes is always well. */
  readonly wiki: Receiver
  readonly notes: Receiver
  /** Ends a new session of this person, with a session at each of these apps. Nobody has been told yet. */
  signOut(account: Account, ...apps: readonly string[]): Promise<LogoutId>
}

/** Starts them all. */
export async function startConsole(
  options: TestGatewayOptions & { readonly wikiName?: string } = {},
): Promise<Console> {
  const wiki = await openReceiver()
  const notes = await openReceiver()
  const portal = await startPortal({
    ...options,
    settings: {
      apps: [
        app('wiki', options.wikiName ?? 'Wiki', wiki.url),
        app('notes', 'Notes', notes.url),
        app('printer', 'Printer'),
      ],
      ...options.settings,
    },
  })
  const graceAccount = await portal.addPerson({ email: grace, name: 'Grace Hopper', operator: true })
  const adaAccount = await portal.addPerson()
  return {
    ...portal,
    graceAccount,
    adaAccount,
    wiki,
    notes,
    operator: await portal.signedIn(grace),
    signOut: async (account, ...apps) => {
      const browser = portal.visitor()
      await browser.signIn(account.email, password)
      const [session] = await portal.sessionsOf(account)
      if (session === undefined) throw new Error(`${account.email} is not signed in`)
      for (const each of apps) await portal.join(session, each)
      const { logoutId } = await portal.gateway.commands.sessions.end(session.id, { kind: 'command-line' })
      if (logoutId === undefined) throw new Error('nothing has ended')
      return logoutId
    },
    [Symbol.asyncDispose]: async () => {
      await portal[Symbol.asyncDispose]()
      await wiki[Symbol.asyncDispose]()
      await notes[Symbol.asyncDispose]()
    },
  }
}
