/**
 * The races, over real parallel HTTP, written once and run against two servers: the gateway, which must win them, and an engine over
 * an adapter that trusts it, which must lose them. A race that the naive one wins too would prove nothing.
 */
import type { Random } from '#gateway/kernel/random.ts'
import {
  type Answer,
  authorize,
  type Client,
  claimsOf,
  codeFor,
  exchange,
  isActive,
  refresh,
  userinfoStatus,
} from '#test/support/oauth.ts'
import type { RaceSession, RaceTarget } from '#test/support/race-gateway.ts'
import { seededFraction } from '#test/support/seeded-random.ts'

/** Redeems one code so many times at once, beside another grant of the same app and session. */
export async function redeemAtOnce(target: RaceTarget, times: number) {
  const client = clientOf(target, 0)
  const { browser } = await target.signIn()
  const other = await exchange(client, await codeFor(browser, client))
  const code = await codeFor(browser, client)
  const answers = await Promise.all(Array.from({ length: times }, () => exchange(client, code)))
  const won = answers.filter(({ status }) => status === 200)
  return {
    successes: won.length,
    refusals: [...new Set(answers.flatMap(({ body }) => body.error ?? []))],
    /** Tokens of the code that anything still believes. */
    alive: await countAlive(client, won),
    /** Tokens of the other grant that are still believed; all of them should be. */
    otherAlive: await countAlive(client, [other]),
  }
}

/** Uses one refresh token so many times at once. */
export async function refreshAtOnce(target: RaceTarget, times: number) {
  const client = clientOf(target, 0)
  const { browser } = await target.signIn()
  const first = await exchange(client, await codeFor(browser, client))
  const other = await exchange(client, await codeFor(browser, client))
  const used = first.body.refresh_token ?? ''
  const answers = await Promise.all(Array.from({ length: times }, () => refresh(client, used)))
  return {
    client,
    used,
    first,
    /** Another family of the same app and session. */
    other,
    answers,
    successes: answers.filter(({ status }) => status === 200).length,
    successors: [...new Set(answers.flatMap(({ body }) => body.refresh_token ?? []))],
  }
}

/** Two tabs of one browser open two apps that its session has not been to. */
export async function openTwoAppsAtOnce(target: RaceTarget) {
  const { browser, end } = await target.signIn()
  const clients = [clientOf(target, 0), clientOf(target, 1)] as const
  const codes = await Promise.all(clients.map((client) => codeFor(browser, client)))
  const answers = await Promise.all(codes.map((code, at) => exchange(clientOf(target, at), code)))
  return { browser, end, answers, sids: answers.map(sidOf) }
}

/** Two tabs of one browser open the same app, to which its session has not been. */
export async function openOneAppTwice(target: RaceTarget) {
  const { browser, end } = await target.signIn()
  const client = clientOf(target, 0)
  const codes = await Promise.all([codeFor(browser, client), codeFor(browser, client)])
  const answers = await Promise.all(codes.map((code) => exchange(client, code)))
  return { client, browser, end, answers, sids: answers.map(sidOf) }
}

/** What was in flight while a session ended. */
export const contestants = ['authorize-new', 'authorize-known', 'exchange', 'refresh'] as const
export type Contestant = (typeof contestants)[number]

export interface EndedMeanwhile<Session extends RaceSession> {
  readonly session: Session
  /** True: after the end, this browser still gets codes without signing in. */
  readonly revived: boolean
  /** Tokens that are believed after the end. */
  readonly alive: number
  /** How each request in flight came out. */
  readonly outcomes: readonly { readonly contestant: Contestant; readonly went: 'through' | 'refused' }[]
}

/**
 * Ends a session at a random moment while requests of it are in flight, then looks for anything that outlived it. The known app has
 * tokens and one code left to redeem; the new one has nothing.
 */
export async function endMeanwhile<Session extends RaceSession>(
  target: RaceTarget<Session>,
  random: Random,
  moments: Moments,
): Promise<EndedMeanwhile<Session>> {
  const known = clientOf(target, 0)
  const fresh = clientOf(target, 1)
  const session = await target.signIn()
  const { browser } = session
  const before = await exchange(known, await codeFor(browser, known))
  const spare = await codeFor(browser, known)

  const tokens: { readonly client: Client; readonly answer: Answer }[] = [{ client: known, answer: before }]
  const keep = (client: Client, answer: Answer): boolean => {
    if (answer.status === 200) tokens.push({ client, answer })
    return answer.status === 200
  }
  const authorizeAt = async (client: Client): Promise<boolean> => {
    const authorization = await authorize(browser, client)
    if (authorization.kind !== 'code') return false
    keep(client, await exchange(client, authorization))
    return true
  }
  const run: Readonly<Record<Contestant, () => Promise<boolean>>> = {
    'authorize-new': () => authorizeAt(fresh),
    'authorize-known': () => authorizeAt(known),
    exchange: async () => keep(known, await exchange(known, spare)),
    refresh: async () => keep(known, await refresh(known, before.body.refresh_token ?? '')),
  }
  // One request is always on its way; a second one now and then.
  const first = pick(contestants, random)
  const second = seededFraction(random) < 0.5 ? [pick(contestants, random)] : []
  const [outcomes] = await Promise.all([
    Promise.all(
      [...new Set([first, ...second])].map(async (contestant) => {
        await turns(random, 8)
        return { contestant, went: (await run[contestant]()) ? 'through' : 'refused' } as const
      }),
    ),
    turns(random, moments.of(first)).then(() => session.end()),
  ])
  for (const { contestant, went } of outcomes) if (contestant === first) moments.learn(first, went)

  const silent = await authorize(browser, known, { prompt: 'none' })
  const alive = await Promise.all(tokens.map(({ client, answer }) => countAlive(client, [answer])))
  return {
    session,
    revived: silent.kind === 'code',
    alive: alive.reduce((sum, count) => sum + count, 0),
    outcomes,
  }
}

/** How late an end may come: learned, so that on any machine about half of the requests are through when it does. */
export interface Moments {
  of(contestant: Contestant): number
  learn(contestant: Contestant, went: 'through' | 'refused'): void
}

/** Starts with a guess, in turns of the event loop. */
export function createMoments(): Moments {
  const latest = new Map<Contestant, number>()
  const of = (contestant: Contestant): number => latest.get(contestant) ?? 100
  return {
    of,
    learn: (contestant, went) => {
      latest.set(contestant, Math.max(8, of(contestant) * (went === 'through' ? 0.9 : 1.1)))
    },
  }
}

/** Gives way to everything else for a random number of turns of the event loop. */
async function turns(random: Random, most: number): Promise<void> {
  for (let left = Math.floor(seededFraction(random) * most); left > 0; left--)
    await new Promise<void>((next) => setImmediate(next))
}

/** How many of the tokens in these answers are believed: asked at introspection, at userinfo, and by using them. */
export async function countAlive(client: Client, answers: readonly Answer[]): Promise<number> {
  let alive = 0
  for (const { body } of answers) {
    const { access_token: access, refresh_token: renewal } = body
    if (access !== undefined) {
      if (await isActive(client, access)) alive++
      if ((await userinfoStatus(client, access)) === 200) alive++
    }
    if (renewal !== undefined && (await isActive(client, renewal))) alive++
  }
  return alive
}

/** How many answers `countAlive` counts for the tokens of one exchange. */
export const allAlive = 3

export function sidOf({ body }: Answer): unknown {
  return body.id_token === undefined ? undefined : claimsOf(body.id_token)['sid']
}

function pick<T>(list: readonly [T, ...T[]], random: Random): T {
  return list[Math.floor(seededFraction(random) * list.length)] ?? list[0]
}

function clientOf({ clients }: RaceTarget, at: number): Client {
  const client = clients[at]
  if (client === undefined) throw new Error(`the race needs ${at + 1} apps`)
  return client
}
