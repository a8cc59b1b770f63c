/** Access that outlives its session, in races: with itself, and with whatever takes it back. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import type { Commands } from '#gateway/compose-commands.ts'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { agreed, believed, grace, graceIsAway, keptOf, leave, renewed, startAway } from '#test/oidc/away.ts'
import { opened as open, redeemed } from '#test/oidc/opening.ts'
import { type Answer, isActive, refresh } from '#test/support/oauth.ts'
import { forms } from './forms.ts'

const operator = { kind: 'command-line' } as const
/** Beyond the statements that one refresh takes. */
const places = 24

describe.for(forms)(
  'one refresh token of an app that keeps access, its session ended ($form)',
  ({ options }) => {
    test('N-052 50 refreshes at once are one family, whose successor works once more', async () => {
      await using world = await startAway(options)
      const held = await agreed(world)
      await leave(world)
      const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(held.client, held.renewal)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(50)
      const successors = [...new Set(answers.map(({ body }) => body.refresh_token ?? ''))]
      expect(successors).toHaveLength(1)
      const next = await renewed(held, successors[0] ?? '')
      expect(await believed(held, next)).toEqual({ access: true, renewal: true })
    })

    test('N-051 a lost answer is given again within its grace; shown later the old one takes the family and no other', async () => {
      await using world = await startAway(options)
      const held = await agreed(world)
      const other = await agreed(world)
      await leave(world)
      const lost = await renewed(held, held.renewal)
      world.clock.advance({ seconds: 9 })
      expect((await renewed(held, held.renewal)).refresh_token).toBe(lost.refresh_token)
      world.clock.advance({ days: 20 })
      expect((await refresh(held.client, held.renewal)).body.error).toBe('invalid_grant')
      expect(await believed(held, lost)).toEqual({ access: false, renewal: false })
      expect(await isActive(held.client, other.renewal)).toBe(true)
      expect(await keptOf(world)).toHaveLength(1)
      const { stores } = world.gateway
      expect(await stores.audit.list({ types: ['refresh-token.replayed'], limit: 9 })).toHaveLength(1)
    })
  },
)

/** What takes it back, and what makes the next try possible. */
const ways = [
  {
    what: 'the account is disabled',
    take: ({ accounts }, id) => accounts.disable(id, operator),
    again: ({ accounts }, id) => accounts.enable(id, operator),
  },
  {
    what: 'an operator ends all of the person',
    take: ({ sessions }, id) => sessions.endOfAccount(id, operator),
    again: async () => {},
  },
] as const satisfies readonly {
  readonly what: string
  readonly take: (commands: Commands, id: AccountId) => Promise<unknown>
  readonly again: (commands: Commands, id: AccountId) => Promise<unknown>
}[]

/** A world in which something happens before the statement of a number. */
async function interruptible() {
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
  const world = await startAway({ pause })
  return {
    world,
    /** `meanwhile` before that statement of `work`, or after it. */
    interrupt: async <T>(
      at: number,
      meanwhile: () => Promise<unknown>,
      work: () => Promise<T>,
    ): Promise<T> => {
      let happened: Promise<unknown> | undefined
      statements = 0
      act = {
        at,
        run: () => {
          happened = meanwhile()
        },
      }
      const result = await work()
      act = undefined
      await (happened ?? meanwhile())
      return result
    },
  }
}

test.for(ways)(
  'when $what while a refresh is under way, nothing of it lives, whichever was first',
  async (way) => {
    const { world: opened, interrupt } = await interruptible()
    await using world = opened
    const { commands } = world.gateway
    const first = await graceIsAway(world)
    const { id } = first.account
    let held: Pick<typeof first, 'client' | 'renewal'> = {
      ...first,
      renewal: first.tokens.refresh_token ?? '',
    }

    let through = 0
    for (let place = 1; place <= places; place++) {
      const answer: Answer = await interrupt(
        place,
        () => way.take(commands, id),
        () => refresh(held.client, held.renewal),
      )
      if (answer.status === 200) through++
      expect(await keptOf(world, id)).toEqual([])
      await way.again(commands, id)
      expect(await believed(held, answer.body)).toEqual({ access: false, renewal: false })
      expect((await refresh(held.client, held.renewal)).status).toBe(400)
      held = await agreed(world, 'wiki', grace)
      await leave(world)
    }
    // Both outcomes were met: it came too late, and it came in time.
    expect(through).toBeGreaterThan(0)
    expect(through).toBeLessThan(places)
    // Whoever was too late replayed nothing.
    const { stores } = world.gateway
    expect(await stores.audit.list({ types: ['refresh-token.replayed'], limit: 9 })).toEqual([])
  },
)

test('when the person leaves while a refresh is under way, the app has its answer and keeps its access', async () => {
  const { world: opened, interrupt } = await interruptible()
  await using world = opened
  for (let place = 1; place <= places; place++) {
    const held = await agreed(world)
    const answer = await interrupt(
      place,
      () => leave(world),
      () => refresh(held.client, held.renewal),
    )
    expect(answer.status, `at ${place}`).toBe(200)
    const next = await renewed(held, answer.body.refresh_token ?? '')
    expect(await believed(held, next)).toEqual({ access: true, renewal: true })
    await world.gateway.commands.sessions.endOfAccount('ada' as AccountId, operator)
  }
})

test('when the person leaves while a code is redeemed, the app has all of it or nothing', async () => {
  const { world: opened, interrupt } = await interruptible()
  await using world = opened
  const outcomes = new Set<string>()
  for (let place = 1; place <= places; place++) {
    const browser = await world.signedIn()
    const asked = await open(browser, world.client('wiki'), {
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    const allowed = asked.went(await browser.submit(asked.page, { decision: 'allow' }))
    const answer = await interrupt(
      place,
      () => leave(world),
      () => redeemed(allowed),
    )
    const held = { client: allowed.client }
    const kept = (await keptOf(world)).length
    outcomes.add(`${answer.status} ${kept}`)
    expect((await believed(held, answer.body)).renewal).toBe(kept === 1)
    await world.gateway.commands.sessions.endOfAccount('ada' as AccountId, operator)
  }
  expect([...outcomes].toSorted()).toEqual(['200 1', '400 0'])
})
