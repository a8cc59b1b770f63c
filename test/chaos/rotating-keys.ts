import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { minuteMs } from '#gateway/kernel/clock.ts'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { tellUntilSettled } from '#test/logout/engine.ts'
import { ada } from '#test/support/two-apps.ts'
import { startGatewayWithApps } from './gateway-apps.ts'
import { atLeast, atMost, exactly, type Scenario } from './scenario.ts'

const rotations = 10
const peoplePerMinute = 30
/** What a new key is published ahead of signing here, where an hour of rotations takes seconds. */
const publishAheadMs = 2 * minuteMs

export const rotatingKeys: Scenario = {
  id: 'R-13',
  title: `keys rotated once a minute for ${rotations} minutes while apps are told, some at a second try (clock moved by hand)`,
  run: async () => {
    // One in three is not ready at first: its second attempt is signed with the key of that moment.
    await using world = await startGatewayWithApps(['wiki', 'board'], {
      answer: (_name, nth) => (nth % 3 === 0 ? 503 : 200),
    })
    const { gateway, clock, issuer, tokens, heardAt } = world
    const keySet = async () => (await (await fetch(`${issuer}/oauth/jwks`)).json()) as JSONWebKeySet
    let cached = await keySet()
    let fetched = 1
    let failures = 0
    let unseen = 0
    let checked = 0
    const kids = new Set<string>()
    /** As an app does that fetches the keys again when it sees one that it does not know. */
    const verifyNew = async (): Promise<void> => {
      for (const token of tokens.slice(checked)) {
        checked++
        const kid = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string
        kids.add(kid)
        if (!cached.keys.some((key) => key.kid === kid)) {
          cached = await keySet()
          fetched++
        }
        if (!cached.keys.some((key) => key.kid === kid)) unseen++
        await jwtVerify(token, createLocalJWKSet(cached), { issuer }).catch(() => failures++)
      }
    }
    for (let minute = 0; minute < rotations + 4; minute++) {
      if (minute < rotations) await gateway.keys.rotate({ publishAheadMs, actor: { kind: 'command-line' } })
      for (let person = 0; person < peoplePerMinute; person++) {
        const { session } = await world.signIn(['wiki', 'board'])
        await gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
          kind: 'account',
          accountId: ada.id as AccountId,
        })
        await gateway.dispatcher.runDue()
        clock.advance({ ms: minuteMs / peoplePerMinute })
        await gateway.keys.runDue()
        await verifyNew()
      }
    }
    await tellUntilSettled({ stores: gateway.stores, clock }, gateway.dispatcher)
    await verifyNew()
    return [
      exactly('apps that were not told', (rotations + 4) * peoplePerMinute * 2 - heardAt.size, 0),
      exactly('tokens that did not verify', failures, 0),
      exactly('tokens by a key that was not published', unseen, 0),
      atLeast('tokens', tokens.length, (rotations + 4) * peoplePerMinute * 2, ''),
      atLeast('keys that signed', kids.size, rotations, ''),
      atMost('times that an app had to fetch the keys', fetched, rotations + 1, ''),
    ]
  },
}
