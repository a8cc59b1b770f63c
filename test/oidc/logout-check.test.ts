import { describe, expect, test } from 'vitest'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { newId } from '#gateway/kernel/ids.ts'
import type { AppCheckReport } from '#gateway/logout/app-check.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import {
  type LogoutEndpoint,
  type LogoutEndpointOptions,
  type Overlooked,
  openLogoutEndpoint,
} from '#test/apps/logout-endpoint.ts'
import { freePort, startGateway, type TestGateway } from '#test/support/gateway.ts'
import { type Behaviour, openReceiver } from '#test/support/receiver.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'

const wiki = 'wiki' as AppId
const byShell = { kind: 'command-line' } as const

interface Checked extends TestGateway {
  readonly app: LogoutEndpoint
  check(): Promise<AppCheckReport>
}

/** A gateway with the app registered, and Ada signed in at both. */
async function withApp(options: Partial<LogoutEndpointOptions> = {}, oidc = {}): Promise<Checked> {
  const port = await freePort()
  const app = await openLogoutEndpoint({ issuer: `http://localhost:${port}`, clientId: 'wiki', ...options })
  const gateway = await startGateway({
    port,
    settings: { accounts: [ada], apps: [declaredApp('wiki', app.url, {}, oidc)] },
  })
  return {
    ...gateway,
    app,
    check: () => gateway.gateway.commands.checkApp(wiki, byShell),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

/** A gateway whose app is an address that answers as it is told. */
async function withAddress(url: string, settings: Record<string, unknown> = {}) {
  return startGateway({
    settings: {
      apps: [declaredApp('wiki', 'http://127.0.0.1:4001', {}, { backchannel_logout_uri: url })],
      ...settings,
    },
  })
}

const verdicts = ({ cases }: AppCheckReport): Record<string, string> =>
  Object.fromEntries(cases.map(({ id, verdict }) => [id, verdict]))
const notPassed = (report: AppCheckReport): Record<string, string> =>
  Object.fromEntries(Object.entries(verdicts(report)).filter(([, verdict]) => verdict !== 'passed'))

const allCases = [
  'good',
  'repeated-jti',
  'unknown-sid',
  'bad-signature',
  'alg-none',
  'alg-confusion',
  'wrong-iss',
  'wrong-aud',
  'expired',
  'missing-exp',
  'future-iat',
  'missing-events',
  'other-event',
  'with-nonce',
  'no-token',
  'no-store',
]

describe('a check of how an app takes logout tokens', () => {
  test('passes, case by case, an app that verifies everything', async () => {
    await using world = await withApp()
    const report = await world.check()
    expect(report).toMatchObject({
      appId: 'wiki',
      appName: 'Wiki',
      url: `${world.app.url}/backchannel-logout`,
      outcome: 'passed',
      connection: { kind: 'reached' },
    })
    expect(report.cases.map(({ id }) => id)).toEqual(allCases)
    expect(notPassed(report)).toEqual({})
    for (const { clause, advice } of report.cases) {
      expect(clause).toMatch(/^sections? 2\.[4-8]/)
      expect(advice).toBeUndefined()
    }
    expect(report.cases[3]).toMatchObject({ expected: '400', answered: expect.stringMatching(/^400, /) })
  })

  test('names every check that an app lacks altogether', async () => {
    await using receiver = await openReceiver()
    await using gateway = await withAddress(receiver.url)
    const report = await gateway.gateway.commands.checkApp(wiki, byShell)
    expect(report.outcome).toBe('failed')
    expect(verdicts(report)).toEqual({
      ...Object.fromEntries(allCases.map((id) => [id, 'failed'])),
      good: 'passed',
      'unknown-sid': 'passed',
      'repeated-jti': 'advice',
      'missing-exp': 'advice',
      'future-iat': 'advice',
      'no-store': 'advice',
    })
    expect(report.summary).toContain('2 passed, 10 failed, 4 with advice')
  })

  const single: readonly (readonly [Overlooked, Record<string, string>])[] = [
    ['signature', { 'bad-signature': 'failed' }],
    ['alg-none', { 'alg-none': 'failed' }],
    ['alg-confusion', { 'alg-confusion': 'failed' }],
    ['iss', { 'wrong-iss': 'failed' }],
    ['aud', { 'wrong-aud': 'failed' }],
    ['exp', { expired: 'failed' }],
    ['missing-exp', { 'missing-exp': 'advice' }],
    ['iat', { 'future-iat': 'advice' }],
    ['jti', { 'repeated-jti': 'advice' }],
    ['events', { 'missing-events': 'failed' }],
    ['event-name', { 'other-event': 'failed' }],
    ['nonce', { 'with-nonce': 'failed' }],
    ['token', { 'no-token': 'failed' }],
  ]
  test.for(single)('finds out that an app overlooks %s, and that alone', async ([what, found]) => {
    await using world = await withApp({ overlooks: [what] })
    const report = await world.check()
    expect(notPassed(report)).toEqual(found)
    for (const { verdict, advice } of report.cases) expect(advice === undefined).toBe(verdict === 'passed')
  })

  test('uses the algorithm that the app is registered with, and takes no comfort in the noes of an app that refuses it', async () => {
    // The app takes ES256 alone.
    await using world = await withApp({}, { id_token_signed_response_alg: 'RS256' })
    const report = await world.check()
    expect(report.cases[0]).toMatchObject({ id: 'good', verdict: 'failed', status: 400 })
    expect(verdicts(report)).toMatchObject({ 'wrong-aud': 'advice', 'repeated-jti': 'advice' })
    const passed = report.cases.filter(({ verdict }) => verdict === 'passed')
    expect(passed.map(({ id }) => id)).toEqual(['no-store'])
  })

  test('advises where a refusal is not a 400, and where answers may be stored', async () => {
    await using world = await withApp({ refusesWith: 403, storable: true })
    const report = await world.check()
    expect(report.outcome).toBe('advice')
    expect(verdicts(report)).toMatchObject({ good: 'passed', 'wrong-aud': 'advice', 'no-store': 'advice' })
    expect(report.cases.find(({ id }) => id === 'wrong-aud')?.answered).toContain('403')
  })

  test('advises where an app refuses a sid that it does not know, and fails one that refuses everybody it does not know', async () => {
    await using lenient = await withApp({ knows: 'sid' })
    expect(notPassed(await lenient.check())).toEqual({ 'unknown-sid': 'advice' })
    await lenient[Symbol.asyncDispose]()
    await using strict = await withApp({ knows: 'sub and sid' })
    const report = await strict.check()
    expect(verdicts(report)).toMatchObject({ good: 'failed', 'wrong-iss': 'advice' })
    expect(report.cases.find(({ id }) => id === 'wrong-iss')?.advice).toContain('proves nothing')
  })

  test.for<readonly [string, Behaviour, RegExp]>([
    ['a redirect', { answer: 302, headers: { location: '/sign-in' } }, /sign-in page/],
    ['a failure', { answer: 500 }, /failed over it/],
  ])('fails every case of an app that answers everything with %s', async ([, behaviour, words]) => {
    await using receiver = await openReceiver()
    receiver.behave(behaviour)
    await using gateway = await withAddress(receiver.url)
    const { cases } = await gateway.gateway.commands.checkApp(wiki, byShell)
    const tried = cases.filter(({ id }) => id !== 'no-store')
    expect(tried.every(({ verdict }) => verdict === 'failed')).toBe(true)
    for (const { advice } of tried) expect(advice).toMatch(words)
  })

  test('asks one case at a time', async () => {
    await using receiver = await openReceiver()
    await using gateway = await withAddress(receiver.url)
    await gateway.gateway.commands.checkApp(wiki, byShell)
    expect(receiver.mostAtOnce).toBe(1)
    expect(receiver.received).toHaveLength(allCases.length - 1)
  })
})

describe('a check ends nothing', () => {
  test.for<readonly [string, readonly Overlooked[]]>([
    ['verifies everything', []],
    ['verifies nothing', ['signature', 'alg-none', 'iss', 'aud', 'exp', 'missing-exp', 'events', 'nonce']],
  ])('at an app that %s, at the gateway, or in the record', async ([, overlooks]) => {
    await using world = await withApp({ overlooks })
    const { gateway, app } = world
    const accountId = 'ada' as AccountId
    const { session } = await gateway.transaction.run(
      () =>
        gateway.sessions.begin({
          accountId,
          authentication: {
            methods: ['password'],
            amr: ['pwd'],
            acr: oneFactor,
            credentialIds: [],
            at: gateway.clock.now(),
          },
          remembered: false,
          address: '192.0.2.1',
          userAgent: 'Test',
        }),
      { durable: true },
    )
    const joined = await gateway.sessions.join({
      id: newId('appSession', gateway.random),
      ssoSessionId: session.id,
      accountId,
      appId: wiki,
      sid: 'the-sid-of-ada',
    })
    app.sessions.push({ sub: 'ada', sid: 'the-sid-of-ada' }, { sub: 'bob', sid: 'the-sid-of-bob' })

    await world.check()

    expect(joined).toBeDefined()
    expect(app.sessions).toHaveLength(2)
    expect((await gateway.stores.sessions.find(session.id))?.ended).toBeUndefined()
    expect(await gateway.stores.logouts.list({ limit: 10 })).toEqual([])
    expect(await gateway.stores.logouts.countPending(10)).toBe(0)
    expect(await gateway.dispatcher.runDue()).toBe(0)
    // Whatever it was shown speaks of nobody: neither of a person nor of their session.
    expect(app.tokens.length).toBeGreaterThan(10)
    for (const token of app.tokens) {
      const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
      expect(claims).not.toMatch(/"(ada|bob|the-sid-of-[a-z]+)"/)
      if (claims !== '') expect(claims).toMatch(/"sid":"gatehouse-check-[0-9a-f]{32}"/)
    }
  })
})

describe('an app that cannot be reached', () => {
  test('is said to be unreachable before any case, with what to do', async () => {
    const port = await freePort()
    await using gateway = await withAddress(`http://127.0.0.1:${port}/logout`)
    const report = await gateway.gateway.commands.checkApp(wiki, byShell)
    expect(report).toMatchObject({
      outcome: 'unreachable',
      cases: [],
      connection: { kind: 'unreachable', reason: 'It could not be reached.' },
    })
    expect(report.summary).toContain('Does the app run')
  })

  test('for being inside the gateway, or too slow, is said to be so', async () => {
    await using receiver = await openReceiver()
    receiver.behave('hang')
    await using slow = await withAddress(receiver.url, { logout: { timeout: '1s' } })
    expect(await slow.gateway.commands.checkApp(wiki, byShell)).toMatchObject({
      outcome: 'unreachable',
      connection: { reason: 'It did not answer in time.' },
    })
    await slow[Symbol.asyncDispose]()

    const port = await freePort()
    await using own = await startGateway({
      port,
      settings: {
        apps: [
          declaredApp(
            'wiki',
            'http://127.0.0.1:4001',
            {},
            { backchannel_logout_uri: `http://127.0.0.1:${port}/logout` },
          ),
        ],
      },
    })
    expect(await own.gateway.commands.checkApp(wiki, byShell)).toMatchObject({
      outcome: 'unreachable',
      connection: {
        reason: 'Its address may not be called from here.',
        remedy: expect.stringContaining('egress.allow'),
      },
    })
  })

  test('because it has no address is said to be untellable, and what that means', async () => {
    const { backchannel_logout_uri: _, ...oidc } = declaredApp('wiki', 'http://127.0.0.1:4001').oidc
    await using gateway = await startGateway({
      settings: { apps: [{ ...declaredApp('wiki', 'http://127.0.0.1:4001'), oidc }] },
    })
    const report = await gateway.gateway.commands.checkApp(wiki, byShell)
    expect(report).toMatchObject({ outcome: 'no-back-channel', cases: [] })
    expect(report.summary).toContain('cannot tell it when a session ends')
    expect(report.url).toBeUndefined()
  })
})

describe('an app that is told through the browser alone', () => {
  const url = 'http://127.0.0.1:4001'
  const { backchannel_logout_uri, ...oidc } = declaredApp('wiki', url).oidc
  const frontchannel_logout_uri = `${url}/frontchannel-logout`
  test.for([
    [
      'because it has no other address',
      { oidc: { ...oidc, frontchannel_logout_uri } },
      /Give it a backchannel/,
    ],
    [
      'because the operator chose so',
      {
        logout: { channel: 'front-channel' },
        oidc: { ...oidc, backchannel_logout_uri, frontchannel_logout_uri },
      },
      /says not to use it/,
    ],
  ] as const)('%s is said to be so, and what that means', async ([, app, words]) => {
    await using gateway = await startGateway({
      settings: { apps: [{ ...declaredApp('wiki', url), ...app }] },
    })
    const report = await gateway.gateway.commands.checkApp(wiki, byShell)
    expect(report).toMatchObject({ outcome: 'no-back-channel', cases: [] })
    expect(report.url).toBeUndefined()
    expect(report.summary).toMatch(/sent and never as confirmed/)
    expect(report.summary).toMatch(words)
  })
})

describe('the command to check an app', () => {
  test('is in the audit trail with what came of it', async () => {
    await using world = await withApp({ overlooks: ['aud'] })
    await world.check()
    const rows = await world.gateway.stores.audit.unsealed(1_000)
    const [row, ...others] = rows.filter(({ type }) => type === 'app.checked')
    expect(others).toEqual([])
    expect(row).toMatchObject({ subject: 'wiki', actor: '{"kind":"command-line"}' })
    expect(JSON.parse(row?.detail ?? '')).toEqual({
      appId: 'wiki',
      outcome: 'failed',
      failed: ['wrong-aud'],
    })
  })

  test('refuses an app that is not there, who is no operator, and a second check of the same app', async () => {
    await using world = await withApp()
    const { checkApp } = world.gateway.commands
    await expect(checkApp('board' as AppId, byShell)).rejects.toMatchObject({ code: 'app_not_found' })
    const person = { kind: 'operator', accountId: 'ada' as AccountId } as const
    await expect(checkApp(wiki, person)).rejects.toMatchObject({ code: 'forbidden' })
    expect(world.app.tokens).toEqual([])
    const both = await Promise.allSettled([world.check(), world.check()])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect((await world.check()).outcome).toBe('passed')
  })
})
