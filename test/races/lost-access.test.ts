import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import type { Commands } from '#gateway/compose-commands.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { isSignedIn } from '#test/attacks/attacker.ts'
import { opened } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'

const operator = { kind: 'command-line' } as const
const grace = { email: 'grace@example.com', password: 'another long password' }
/** Beyond the statements that one authorization takes. */
const places = 24

const wiki = 'wiki' as AppId

/** How access goes, and how it comes back for the next try. */
const ways = [
  {
    what: 'a person who loses access',
    lose: ({ accounts }, id) => accounts.change(id, { groups: [] }, operator),
    giveBack: ({ accounts }, id) => accounts.change(id, { groups: ['staff'] }, operator),
  },
  {
    what: 'a person whose account is disabled',
    lose: ({ accounts }, id) => accounts.disable(id, operator),
    giveBack: ({ accounts }, id) => accounts.enable(id, operator),
  },
  {
    what: 'an app that is disabled',
    lose: ({ apps }) => apps.disable(wiki, operator),
    giveBack: ({ apps }) => apps.enable(wiki, operator),
  },
] as const satisfies readonly {
  readonly what: string
  readonly lose: (commands: Commands, id: AccountId) => Promise<unknown>
  readonly giveBack: (commands: Commands, id: AccountId) => Promise<unknown>
}[]

test.for(ways)('$what while the app is opened has no session there, whichever was first', async (way) => {
  let statements = 0
  let act: { readonly at: number; readonly run: () => void } | undefined
  // The operator is somebody else: what they do must not count as part of the transaction that it is put into.
  const elsewhere = AsyncLocalStorage.snapshot()
  const pause = async (): Promise<void> => {
    statements++
    if (act === undefined || statements !== act.at) return
    const { run } = act
    act = undefined
    elsewhere(run)
  }
  await using world = await startWorld({ pause, apps: { wiki: { app: { access: ['staff'] } } } })
  const { commands, stores } = world.gateway
  const { id } = await commands.accounts.create({ ...grace, groups: ['staff'] }, operator)
  let browser = await world.signedIn(grace)

  const codes: number[] = []
  for (let place = 1; place <= places; place++) {
    await way.giveBack(commands, id)
    if (!(await isSignedIn(world, browser))) browser = await world.signedIn(grace)
    let lost: Promise<unknown> = Promise.resolve()
    statements = 0
    act = {
      at: place,
      run: () => {
        lost = way.lose(commands, id)
      },
    }
    const { answer } = await opened(browser, world.client('wiki'))
    if (act !== undefined) act.run()
    act = undefined
    await lost
    if (answer?.['code'] !== undefined) codes.push(place)
    expect(await stores.sessions.activeAt(wiki, 9)).toEqual([])
  }
  // Both outcomes were met: it came too late, and it came in time.
  expect(codes.length).toBeGreaterThan(0)
  expect(codes.length).toBeLessThan(places)
})
