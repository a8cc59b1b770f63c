import { describe, expect, test } from 'vitest'
import { dayMs } from '#gateway/kernel/clock.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { newId } from '#gateway/kernel/ids.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import { anApp } from '#test/apps/builders.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { openCommandLine, parsed } from './run-gatehouse.ts'

/** Looks again until `look` finds something: what another process wrote is noticed within a second. */
async function noticed<Found>(look: () => Found | undefined | Promise<Found | undefined>): Promise<Found> {
  const giveUpAt = performance.now() + 10_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > giveUpAt) throw new Error('nothing was noticed')
    await new Promise((next) => setTimeout(next, 20))
  }
}

async function addWikiAndAda({ gateway }: TestGateway, logoutUri: string): Promise<void> {
  const { accounts, apps } = gateway.commands
  await accounts.create({ email: 'ada@example.com' }, { kind: 'command-line' })
  const { id, name, firstParty, access, sessions, logout, oidc } = anApp(
    {},
    { backchannel_logout_uri: logoutUri },
  )
  const { metadata } = oidc
  const added = { id, name, firstParty, access, sessions, logout, oidc: { metadata } }
  await apps.add(added, { kind: 'command-line' })
}

async function beginSession({ gateway }: TestGateway, email: string, appId: AppId) {
  const account = await gateway.stores.accounts.findByFoldedEmail(email)
  if (account === undefined) throw new Error(`there is no ${email}`)
  const { session, secret } = await gateway.transaction.run(
    () =>
      gateway.sessions.begin({
        accountId: account.id,
        authentication: {
          methods: ['password'],
          amr: ['pwd'],
          acr: oneFactor,
          credentialIds: [],
          at: gateway.clock.now(),
        },
        remembered: false,
        address: '192.0.2.1',
        userAgent: 'Test \u001B[31m',
      }),
    { durable: true },
  )
  await gateway.sessions.join({
    id: newId('appSession', gateway.random),
    ssoSessionId: session.id,
    accountId: account.id,
    appId,
    sid: 'the-sid-of-the-app',
  })
  return { session, secret }
}

/** Each command is a process of its own, and the machine may be busy. */
const timeout = 120_000

describe('gatehouse beside a running server', { timeout }, () => {
  test('adds an app that the server knows, and rotates keys that it publishes', async () => {
    await using server = await startGateway({ realTime: true, background: true })
    const shell = openCommandLine(server.folder)
    await shell.gatehouse('app', 'add', 'wiki', '--redirect-uri', 'http://127.0.0.1:4001/callback')
    await noticed(() => server.gateway.apps.find('wiki' as AppId))

    const keyIds = async (): Promise<string[]> => {
      const discovery = await fetch(`${server.issuer}/.well-known/openid-configuration`)
      const { jwks_uri: uri } = (await discovery.json()) as { jwks_uri: string }
      const { keys } = (await (await fetch(uri)).json()) as { keys: { kid: string }[] }
      return keys.map(({ kid }) => kid)
    }
    expect(await keyIds()).toHaveLength(2)
    const made = parsed<{ keyId: string }[]>(await shell.gatehouse('key', 'rotate', '--now', '--json'))
    const published = await noticed(async () => {
      const ids = await keyIds()
      return ids.length === 4 ? ids : undefined
    })
    for (const { keyId } of made) expect(published).toContain(keyId)
    expect(made.map(({ keyId }) => keyId)).toContain(server.gateway.keys.signing('ES256').keyId)
  })

  test('ends a session: its cookie opens nothing, and the server tells the app', async () => {
    await using app = await openReceiver()
    await using server = await startGateway({ realTime: true, background: true })
    const shell = openCommandLine(server.folder)
    await addWikiAndAda(server, `${app.url}/backchannel-logout`)
    const { session, secret } = await beginSession(server, 'ada@example.com', 'wiki' as AppId)

    const listed = parsed<{ id: string; state: string }[]>(
      await shell.gatehouse('session', 'list', '--account', 'ada@example.com', '--json'),
    )
    expect(listed).toMatchObject([{ id: session.id, state: 'active' }])
    const shown = await shell.gatehouse('session', 'show', session.id)
    expect(shown.out).toMatch(/^Wiki +active/m)
    expect(shown.out).not.toContain('\u001B')

    const ended = await shell.gatehouse('session', 'end', session.id)
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(await server.gateway.sessions.resolve(secret, { address: '192.0.2.1' })).toMatchObject({
      kind: 'none',
    })
    await app.arrived(1)
    expect(app.received[0]?.body).toMatch(/^logout_token=/)

    const [logoutId = ''] = /lgo_[A-Za-z0-9_-]+/.exec(ended.out) ?? []
    await noticed(async () => {
      const [report] = await server.gateway.reports.list({ limit: 1 })
      return report?.settledAt
    })
    const report = await shell.gatehouse('logout', 'show', logoutId)
    expect(report.out).toMatch(/by +the command line/)
    expect(report.out).toMatch(/^Wiki: confirmed/m)
    const [first] = parsed<{ id: string; cause: string }[]>(await shell.gatehouse('logout', 'list', '--json'))
    expect(first).toMatchObject({ id: logoutId, cause: 'admin' })
    expect((await shell.gatehouse('session', 'end', session.id)).out).toContain('No session was active')
  })

  test('counts what conditions find, and ends it: none of it opens anything when the command is done', async () => {
    await using app = await openReceiver()
    await using server = await startGateway({ realTime: true, background: true })
    const shell = openCommandLine(server.folder)
    await addWikiAndAda(server, `${app.url}/backchannel-logout`)
    const { secret } = await beginSession(server, 'ada@example.com', 'wiki' as AppId)
    const opens = () => server.gateway.sessions.resolve(secret, { address: '192.0.2.1' })

    const elsewhere = ['--network', '198.51.100.0/24', '--dry-run']
    expect((await shell.gatehouse('session', 'end', ...elsewhere)).out).toMatch(
      /^Would end 0 sessions of 0 accounts/,
    )
    const here = ['--network', '192.0.2.0/24', '--signed-in-by', 'password', '--app', 'wiki']
    const counted = await shell.gatehouse('session', 'end', ...here, '--dry-run')
    expect(counted.out).toBe('Would end 1 session of 1 account, and with them 1 session at 1 app.\n')
    expect(await opens()).toMatchObject({ kind: 'live' })

    const ended = await shell.gatehouse('session', 'end', ...here)
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(ended.out).toMatch(/^Ended 1 session at the gateway and 1 session at apps/)
    expect(await opens()).toMatchObject({ kind: 'none' })
    await app.arrived(1)
    const [logoutId = ''] = /lgo_[A-Za-z0-9_-]+/.exec(ended.out) ?? []
    const report = await shell.gatehouse('logout', 'show', logoutId)
    expect(report.out).toMatch(/^cause +bulk$/m)
    expect(report.out).toMatch(/^progress +ended 1, all of them by/m)
  })

  test('refuses conditions that it cannot read, that are empty, or that say nothing, and ends nothing', async () => {
    await using server = await startGateway({ realTime: true, background: true })
    const shell = openCommandLine(server.folder)
    await addWikiAndAda(server, 'http://127.0.0.1:9/backchannel-logout')
    const { secret } = await beginSession(server, 'ada@example.com', 'wiki' as AppId)
    const refused = [
      [['--network', '192.0.2.0/240'], 'is not a network'],
      [['--network', ''], '--network is empty'],
      [['--started-before', 'yesterday'], 'is not a date'],
      [['--everyone', '--account', 'ada@example.com'], '--everyone takes no condition'],
      [['--dry-run'], 'Say which'],
    ] as const
    for (const [flags, why] of refused) {
      const { code, err } = await shell.gatehouse('session', 'end', ...flags)
      expect(code).not.toBe(0)
      expect(err).toContain(why)
    }
    expect(await server.gateway.sessions.resolve(secret, { address: '192.0.2.1' })).toMatchObject({
      kind: 'live',
    })
  })

  test('disables an account, and retries what an app has refused', async () => {
    await using app = await openReceiver()
    await using server = await startGateway({ realTime: true, background: true })
    const shell = openCommandLine(server.folder)
    await addWikiAndAda(server, `${app.url}/backchannel-logout`)
    const { session } = await beginSession(server, 'ada@example.com', 'wiki' as AppId)
    // "Not now, come back in half an hour": nothing but an operator makes it be told sooner.
    app.behave({ answer: 503, headers: { 'retry-after': '1800' } })
    await shell.gatehouse('account', 'disable', 'ada@example.com')
    await app.arrived(1)
    expect((await server.gateway.stores.sessions.find(session.id))?.ended?.cause).toBe('account-disabled')
    await noticed(async () => {
      const [report] = await server.gateway.reports.list({ limit: 1 })
      return report?.deliveries[0]?.nextAttemptAt
    })
    const listed = await shell.gatehouse('logout', 'list', '--unsettled')
    expect(listed.out).toContain('1 retrying')
    // What keeps apps from being told stands on top.
    expect(listed.out).toMatch(/^Wiki: failing since \S+ \S+Z, it answered 503, 1 waiting$/m)
    expect((await shell.gatehouse('app', 'list')).out).toMatch(/^wiki .*failing since .*it answered 503/m)
    const shown = parsed<{ health: unknown }>(await shell.gatehouse('app', 'show', 'wiki', '--json'))
    expect(shown.health).toMatchObject({
      state: 'failing',
      failingSince: expect.stringMatching(/Z$/),
      pending: 1,
    })
    app.behave({ answer: 200 })
    const retried = await shell.gatehouse('logout', 'retry', '--app', 'wiki')
    expect(retried.out).toContain('1 delivery due now')
    await app.arrived(2)
    expect((await shell.gatehouse('logout', 'retry', 'dlv_unknown')).code).toBe(1)
    expect((await shell.gatehouse('app', 'show', 'wiki')).out).toMatch(
      /^health +healthy, last confirmed \S+/m,
    )
    expect((await shell.gatehouse('logout', 'list')).out).not.toMatch(/^Wiki:/m)
  })

  test('makes an API key that is shown once, lists it and revokes it', async () => {
    await using server = await startGateway({ realTime: true })
    const shell = openCommandLine(server.folder)
    const key = ['api-key', 'create', '--name', 'dashboard', '--scope', 'sessions:read']
    const made = await shell.gatehouse(...key, '--scope', 'logouts:read', '--expires', '90d')
    expect(made).toMatchObject({ code: 0, err: '' })
    const [secret = ''] = /gh_[A-Za-z0-9_-]{43}/.exec(made.out) ?? []
    const known = await server.gateway.commands.apiKeys.authenticate(secret)
    expect(known).toMatchObject({ name: 'dashboard', scopes: ['sessions:read', 'logouts:read'] })
    expect(known?.expiresAt).toBe((known?.createdAt ?? 0) + 90 * dayMs)

    const list = await shell.gatehouse('api-key', 'list')
    expect(list.out).toMatch(/dashboard +live/)
    expect(list.out).not.toContain(secret)
    const [record] = parsed<Record<string, unknown>[]>(await shell.gatehouse('api-key', 'list', '--json'))
    expect(record).toMatchObject({ id: known?.id, state: 'live', name: 'dashboard' })
    expect(JSON.stringify(record)).not.toContain(secret)

    expect(await shell.gatehouse('api-key', 'revoke', String(known?.id))).toMatchObject({ code: 0, err: '' })
    expect(await server.gateway.commands.apiKeys.authenticate(secret)).toBeUndefined()
    expect((await shell.gatehouse('api-key', 'list')).out).toMatch(/dashboard +revoked/)

    const wrong = await shell.gatehouse('api-key', 'create', '--name', 'x', '--scope', 'everything')
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(wrong.err).toContain('sessions:read')
    expect((await shell.gatehouse('api-key', 'create', '--name', 'x')).code).toBe(2)
    expect((await shell.gatehouse(...key, '--expires', 'soon')).code).toBe(2)
    expect((await shell.gatehouse('api-key', 'revoke', 'key_unknown')).code).toBe(1)
  })
})
