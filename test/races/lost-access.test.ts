import { expect, test } from 'vitest'
import { opened } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'

const operator = { kind: 'command-line' } as const
const grace = { email: 'grace@example.com', password: 'another long password' }
/** Beyond the statements that one authorization takes. */
const places = 24

test('a person who loses access while an app is opened has no session there, whichever was first', async () => {
  let statements = 0
  let act: { readonly at: number; readonly run: () => void } | undefined
  const pause = async (): Promise<void> => {
    statements++
    if (act === undefined || statements !== act.at) return
    const { run } = act
    act = undefined
    run()
  }
  await using world = await startWorld({ pause, apps: { wiki: { app: { access: ['staff'] } } } })
  const { accounts } = world.gateway.commands
  const { id } = await accounts.create({ ...grace, groups: ['staff'] }, operator)
  const browser = await world.signedIn(grace)
  const [session] = await world.gateway.stores.sessions.list({ accountId: id, limit: 1 })
  if (session === undefined) throw new Error('nobody is signed in')

  const codes: number[] = []
  for (let place = 1; place <= places; place++) {
    await accounts.change(id, { groups: ['staff'] }, operator)
    let lost: Promise<unknown> = Promise.resolve()
    statements = 0
    act = {
      at: place,
      run: () => {
        lost = accounts.change(id, { groups: [] }, operator)
      },
    }
    const { answer } = await opened(browser, world.client('wiki'))
    if (act !== undefined) act.run()
    act = undefined
    await lost
    if (answer?.['code'] !== undefined) codes.push(place)
    expect(await world.gateway.stores.sessions.appSessionsOf([session.id], 'active')).toEqual([])
  }
  // Both outcomes were met: it came too late, and it came in time.
  expect(codes.length).toBeGreaterThan(0)
  expect(codes.length).toBeLessThan(places)
})
