import type { AccountId, LogoutId } from '#gateway/kernel/ids.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World, type WorldOptions } from '#test/oidc/world.ts'

/** Ada has opened these apps and an operator has ended her session; nobody has been told yet. */
export async function endedWorld(options: WorldOptions = {}) {
  const world = await startWorld(options)
  const ids = Object.keys(options.apps ?? { wiki: {} })
  const browser = await world.signedIn()
  const tokens = []
  for (const id of ids) tokens.push(await redeemed(await opened(browser, world.client(id))))
  const { logoutId } = await world.gateway.endSession(
    { kind: 'account', accountId: 'ada' as AccountId },
    'admin',
    { kind: 'operator', accountId: 'olga' as AccountId },
  )
  if (logoutId === undefined) throw new Error('nothing has ended')
  return { ...world, browser, logoutId, tokens: tokens.map(({ body }) => body) }
}

/** The receipt of a Logout that is settled. */
export async function receiptOf(world: World, logoutId: LogoutId): Promise<string> {
  const made = await world.gateway.receipts.of(logoutId)
  if (made?.kind !== 'receipt') throw new Error(`no receipt: ${made?.kind}`)
  return made.jws
}
