/** The tests of one cause: each kind of app by each channel in each state, and the app that does not want to hear of it. */
import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeliveryReport } from '#gateway/logout/report.ts'
import type { Cause } from '#gateway/sessions/cause.ts'
import type { Received } from '#test/support/receiver.ts'
import { acts } from './acts.ts'
import {
  type AppState,
  type ChannelSetting,
  channels,
  idOf,
  localSessionMs,
  states,
  unwantedId,
  unwantedName,
} from './apps.ts'
import { type Look, type Observed, observe } from './observed.ts'
import { type Outcome, outcomes, type Standing } from './outcomes.ts'
import { framedOrigins, type Said } from './pages.ts'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** 16 cells, what the page frames, and what is not owed. */
export function testCause(cause: Cause): void {
  const act = acts[cause]
  describe(cause, () => {
    let observed: Observed
    beforeAll(async () => {
      observed = await observe(cause)
    })
    afterAll(() => observed?.[Symbol.asyncDispose]())

    for (const channel of channels) {
      for (const state of states) {
        const expected = outcomes[act.through][channel][state]
        const words = expected.map((outcome) => outcome.words).join('; ')
        test(`${cause} × ${channel} × ${state}: ${words}`, () =>
          expectCell(observed, cause, channel, state, expected))
      }
    }

    test(`${cause} × an app that does not want to hear of it: nothing arrives, nothing is owed, it is counted`, () =>
      expectUnwanted(observed))

    if (act.through === 'browser') {
      test(`${cause}: the page frames the apps that it is to tell, and no others, each with iss and sid, and leads on`, () =>
        expectFrames(observed, act.leadsTo))
    }
  })
}

async function expectCell(
  observed: Observed,
  cause: Cause,
  channel: ChannelSetting,
  state: AppState,
  expected: readonly Outcome[],
): Promise<void> {
  const id = idOf(channel, state)
  const { stage, first, last, restarted } = observed
  const app = stage.apps.find(id)
  const sid = stage.opened.get(id)?.sid ?? ''
  const byGateway = expected.find((outcome) => outcome.channel === 'back-channel')
  const byBrowser = expected.find((outcome) => outcome.channel === 'front-channel')

  // What the record holds.
  expect(observed.sessions.get(id)?.ended).toMatchObject({ cause, actor: { kind: acts[cause].by } })
  for (const [look, key] of [
    [first, 'first'],
    [last, 'last'],
  ] as const) {
    const report = look.reports.get(id)
    expect(report).toMatchObject({ cause, actor: { kind: acts[cause].by } })
    const deliveries = deliveriesOf(look, id)
    expect(deliveries.map((delivery) => delivery.channel)).toEqual(expected.map((outcome) => outcome.channel))
    expected.forEach((outcome, at) => {
      expectStanding(deliveries[at], outcome[key], (report?.startedAt ?? 0) + localSessionMs, look.now)
      expect(deliveries[at]?.sid).toBe(sid)
      // What cannot be told is known to be so at once.
      if (outcome.first.state === 'cannot-be-told') expect(deliveries[at]?.settledAt).toBe(report?.startedAt)
    })
  }
  const attempts =
    deliveriesOf(last, id).find((delivery) => delivery.channel === 'back-channel')?.attempts ?? []
  expect(withoutRepeats(attempts.map((one) => one.status ?? one.error?.split(':')[0]))).toEqual(
    byGateway?.attempts ?? [],
  )
  if (byGateway?.attemptsInTheEnd !== undefined) expect(attempts).toHaveLength(byGateway.attemptsInTheEnd)
  expect(restarted.get(id)).toEqual(last.reports.get(id))

  // What the app received.
  expect(app.told()).toHaveLength(byGateway?.arrives === true ? attempts.length : 0)
  await expectTokens(observed, id, sid, app.told())
  expect(app.framed()).toHaveLength(byBrowser?.arrives === true ? 1 : 0)
  for (const { method, path } of app.framed()) {
    const { searchParams } = new URL(path, stage.world.issuer)
    expect([method, Object.fromEntries(searchParams)]).toEqual(['GET', { iss: stage.world.issuer, sid }])
  }

  // What the pages say.
  expectPages(first, app.name, id, cause, expected, 'first')
  expectPages(last, app.name, id, cause, expected, 'last')
}

function expectStanding(
  delivery: DeliveryReport | undefined,
  { state, reason }: Standing,
  lastsUntil: number,
  now: number,
): void {
  expect([delivery?.state, delivery?.reason]).toEqual([state, reason])
  expect(delivery?.mayLastUntil).toBe(state === 'confirmed' ? undefined : lastsUntil)
  const isOpen = state === 'waiting' || state === 'retrying'
  expect(delivery?.settledAt === undefined).toBe(isOpen)
  if (state === 'retrying') expect(delivery?.nextAttemptAt).toBeGreaterThan(now)
  else expect(delivery?.nextAttemptAt).toBeUndefined()
}

function expectPages(
  look: Look,
  name: string,
  id: string,
  cause: Cause,
  expected: readonly Outcome[],
  key: 'first' | 'last',
): void {
  const deliveries = deliveriesOf(look, id)
  for (const [reader, said] of [
    ['person', look.toPerson],
    ['operators', look.toOperators],
  ] as const) {
    if (said === undefined) continue
    // Whoever signed in since sees what their browser loads, and not where else the last person was.
    const hidesMost = reader === 'person' && cause === 'account-switched'
    const wanted = expected.flatMap((outcome, at): readonly Said[] => {
      if (hidesMost && outcome.channel !== 'front-channel') return []
      const { state, [reader]: words } = outcome[key]
      const until = words.endsWith('until') ? deliveries[at]?.mayLastUntil : undefined
      return [{ appName: name, state, words, until }]
    })
    const ofApp = said.filter(({ appName }) => appName === name)
    expect(ofApp.toSorted(byWords), reader).toEqual(wanted.toSorted(byWords))
  }
}

async function expectTokens(
  { stage, last }: Observed,
  id: string,
  sid: string,
  received: readonly Received[],
): Promise<void> {
  const { issuer } = stage.world
  const keys = createRemoteJWKSet(new URL(`${issuer}/oauth/jwks`))
  const ids = new Set<unknown>()
  for (const { method, body } of received) {
    expect(method).toBe('POST')
    const token = new URLSearchParams(body).get('logout_token') ?? ''
    const { iat = 0 } = decodeJwt(token)
    const currentDate = new Date(iat * 1_000)
    const { payload } = await jwtVerify<JWTPayload>(token, keys, {
      issuer,
      audience: id,
      typ: 'logout+jwt',
      currentDate,
    })
    expect(payload).toMatchObject({ sid, sub: stage.person.id, events: { [logoutEvent]: {} } })
    expect(payload).not.toHaveProperty('nonce')
    expect(iat * 1_000).toBeLessThanOrEqual(last.now)
    ids.add(payload.jti)
  }
  expect(ids.size).toBe(received.length)
}

function expectUnwanted({ stage, sessions, first, last, restarted }: Observed): void {
  const app = stage.apps.find(unwantedId)
  expect([...app.told(), ...app.framed()]).toEqual([])
  expect(sessions.get(unwantedId)?.ended).toBeDefined()
  for (const look of [first, last]) {
    expect(look.reports.get(unwantedId)?.notWanted).toBe(1)
    expect(deliveriesOf(look, unwantedId)).toEqual([])
    const names = [...(look.toPerson ?? []), ...look.toOperators].map(({ appName }) => appName)
    expect(names).not.toContain(unwantedName)
    expect(look.ofUnwanted.text).toContain('1 not told: the app does not want to hear of this')
  }
  expect(restarted.get(unwantedId)?.notWanted).toBe(1)
}

function expectFrames({ stage, arrived, frames, ledTo }: Observed, leadsTo: RegExp): void {
  if (arrived === undefined) throw new Error('a browser arrives somewhere')
  const carried = (['front-channel', 'both'] as const).flatMap((channel) =>
    states.map((state) => stage.apps.find(idOf(channel, state))),
  )
  const { issuer } = stage.world
  expect(frames.map(({ address }) => address).toSorted()).toEqual(
    carried
      .map(({ id, url }) => {
        const named = new URLSearchParams({ iss: issuer, sid: stage.opened.get(id)?.sid ?? '' })
        return `${url}/frontchannel-logout?${named}`
      })
      .toSorted(),
  )
  const origins = new Set(carried.map(({ url }) => new URL(url).origin))
  expect(framedOrigins(arrived).toSorted()).toEqual([...origins].toSorted())
  expect(ledTo).toMatch(leadsTo)
}

/** In the order of the table: the gateway's first. */
function deliveriesOf(look: Look, id: string): readonly DeliveryReport[] {
  const of = look.reports.get(id)?.deliveries.filter(({ appId }) => appId === id) ?? []
  return of.toSorted((one, other) => one.channel.localeCompare(other.channel, 'en'))
}

function withoutRepeats<Item>(list: readonly Item[]): readonly Item[] {
  return list.filter((item, at) => item !== list[at - 1])
}

function byWords(one: Said, other: Said): number {
  return one.words.localeCompare(other.words, 'en')
}
