import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { codeFor, exchange } from '#test/support/oauth.ts'
import { type GatewaySession, type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'

/** Far more statements than any command has: whoever reaches it does not end. */
const tooMany = 200
const commandLine = { kind: 'command-line' } as const

const commands = [
  {
    name: 'ending a session',
    run: (_: RaceGateway, session: GatewaySession): Promise<unknown> => session.end(),
  },
  {
    name: 'disabling an account with two sessions',
    run: ({ gateway }: RaceGateway): Promise<unknown> =>
      gateway.commands.accounts.disable('ada' as AccountId, commandLine),
  },
  {
    name: 'ending the sessions at one app',
    run: ({ gateway }: RaceGateway): Promise<unknown> =>
      gateway.commands.apps.disable('wiki' as never, commandLine),
  },
] as const

describe('invariant 2: a machine that dies between any two statements', () => {
  test.for(commands)('of $name leaves everything as it was, or everything done', async ({ run }) => {
    const machine = createMachine()
    await using target = await startRaceGateway({ appIds: ['wiki', 'board', 'mail'], pause: machine.pause })
    const sessions = [await target.signIn(), await target.signIn()] as const
    for (const { browser } of sessions)
      for (const client of target.clients) await exchange(client, await codeFor(browser, client))
    const before = everythingIn(target)

    let died = 0
    for (let at = 1; at < tooMany; at++) {
      machine.dieAt(at)
      const done = await run(target, sessions[0]).then(
        () => true,
        () => false,
      )
      machine.revive()
      if (done) break
      died++
      expect(everythingIn(target), `after statement ${at - 1}`).toEqual(before)
    }

    expect(died).toBeGreaterThan(5)
    const after = everythingIn(target)
    for (const table of ['app_sessions', 'oidc_artifacts', 'logouts', 'logout_deliveries', 'audit_events'])
      expect(after[table], table).not.toEqual(before[table])
    await target.gateway.dispatcher.runDue()
    expect(target.toldSids().length).toBeGreaterThanOrEqual(2)
  })
})

/** A store that stops in the middle of things: from a chosen statement on, nothing gets through. */
function createMachine() {
  let left = Number.POSITIVE_INFINITY
  return {
    pause: async (): Promise<void> => {
      if (--left <= 0) throw new Error('the machine died here')
    },
    dieAt: (statement: number): void => {
      left = statement
    },
    revive: (): void => {
      left = Number.POSITIVE_INFINITY
    },
  }
}

/** Every row of every table, as another process sees it. */
function everythingIn({ folder }: RaceGateway): Readonly<Record<string, readonly unknown[]>> {
  const database = new Sqlite(join(folder, 'data', 'gatehouse.db'), { readonly: true })
  try {
    const tables = database
      .prepare<[], { name: string }>("select name from sqlite_master where type = 'table' order by name")
      .all()
    return Object.fromEntries(
      tables.map(({ name }) => [name, database.prepare(`select * from "${name}"`).all()]),
    )
  } finally {
    database.close()
  }
}
