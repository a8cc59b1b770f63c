import { describe, expect, test } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import { apache } from '#test/support/available.ts'
import { isSignedInAtIntranet, signInAtBoth, startSharedSession } from './shared-session.ts'

describe.skipIf(apache === undefined)('mod_auth_openidc, checked', () => {
  test('answers each case as recorded here, and its person stays signed in', async () => {
    await using shared = await startSharedSession({ background: false })
    await signInAtBoth(shared)
    const report = await shared.gateway.commands.checkApp('intranet' as AppId, { kind: 'command-line' })
    expect(
      Object.fromEntries(report.cases.map(({ id, verdict, status }) => [id, `${status ?? '-'} ${verdict}`])),
    ).toEqual({
      good: '200 passed',
      // It remembers jti for as long as a token lives.
      'repeated-jti': '400 passed',
      'unknown-sid': '200 passed',
      'bad-signature': '400 passed',
      'alg-none': '400 passed',
      'alg-confusion': '400 passed',
      'wrong-iss': '400 passed',
      'wrong-aud': '400 passed',
      expired: '400 passed',
      // Its exp is optional, as in the drafts of the specification.
      'missing-exp': '200 advice',
      'future-iat': '400 passed',
      'missing-events': '400 passed',
      'other-event': '400 passed',
      'with-nonce': '400 passed',
      'no-token': '400 passed',
      'no-store': '- passed',
    })
    expect(await isSignedInAtIntranet(shared)).toBe(true)
    expect(await shared.gateway.stores.logouts.list({ limit: 1 })).toEqual([])
  })
})
