import { decodeJwt } from 'jose'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { tellUntilSettled } from '#test/logout/engine.ts'
import { ada } from '#test/support/two-apps.ts'
import { startGatewayWithApps } from './gateway-apps.ts'
import { exactly, type Scenario } from './scenario.ts'

const people = 300

export const duplicates: Scenario = {
  id: 'R-09',
  title: `an app that refuses a jti it has seen, and loses every other of its answers, for ${people} sign-outs (clock moved by hand)`,
  run: async () => {
    // What an app answers when it has done its work and the answer gets lost on the way is, for us, that it is not there now.
    await using world = await startGatewayWithApps(['wiki'], {
      answer: (_name, nth) => (nth % 2 === 0 ? 504 : 200),
    })
    const { gateway, clock, tokens } = world
    for (let person = 0; person < people; person++) {
      const { session } = await world.signIn(['wiki'])
      await gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
        kind: 'account',
        accountId: ada.id as AccountId,
      })
    }
    await tellUntilSettled({ stores: gateway.stores, clock }, gateway.dispatcher)
    const claims = tokens.map((token) => decodeJwt(token))
    const bySid = Map.groupBy(claims, ({ sid }) => String(sid))
    const settled = await gateway.stores.logouts.list({ limit: 200, unsettled: true })
    return [
      exactly(
        'tokens with a jti that was sent before',
        claims.length - new Set(claims.map(({ jti }) => jti)).size,
        0,
      ),
      exactly('sessions the app never heard of', people - bySid.size, 0),
      exactly('sessions told under another sid the second time', bySid.size - people, 0),
      exactly('Logouts that are not settled', settled.length, 0),
      {
        what: 'told more than once, each time with a token of its own',
        measured: String([...bySid.values()].filter(({ length }) => length > 1).length),
        criterion: 'more than 0',
        holds: [...bySid.values()].some(({ length }) => length > 1),
      },
    ]
  },
}
