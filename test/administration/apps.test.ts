import { describe, expect, test } from 'vitest'
import { lookedAtMax } from '#gateway/administration/app-writes.ts'
import { isClientSecret } from '#gateway/apps/client-secret.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { anApp } from '#test/apps/builders.ts'
import { byShell, openCore } from './harness.ts'

const wiki = 'wiki' as AppId
const nobody = 'nobody' as AppId

const settingsOf = ({ name, firstParty, access, sessions, logout, oidc }: ReturnType<typeof anApp>) => ({
  name,
  firstParty,
  access,
  sessions,
  logout,
  oidc,
})

describe('adding an app', () => {
  test('makes a secret, hands it out once and keeps its hash', async () => {
    await using core = await openCore()
    const { app, secret = '' } = await core.addApp('wiki')
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(isClientSecret(app.oidc.secretHash, secret)).toBe(true)
    expect(JSON.stringify(await core.stores.apps.list())).not.toContain(secret)
    expect(core.apps.findByClientId('wiki')).toEqual(app)
    expect(await core.audited()).toContain('app.created')
  })

  test('makes no secret for an app that cannot keep one', async () => {
    await using core = await openCore()
    const { metadata } = anApp({}, { token_endpoint_auth_method: 'none' }).oidc
    const { app, secret } = await core.commands.apps.add(
      { ...settingsOf(anApp()), id: 'spa', oidc: { metadata } },
      byShell,
    )
    expect(secret).toBeUndefined()
    expect(app.oidc.secretHash).toBeUndefined()
  })

  test('takes a secret of the operator, and none that is short', async () => {
    await using core = await openCore()
    const { metadata } = anApp().oidc
    const add = (id: string, secret: string) =>
      core.commands.apps.add({ ...settingsOf(anApp()), id, oidc: { metadata, secret } }, byShell)
    const chosen = 'x'.repeat(32)
    const { app, secret } = await add('wiki', chosen)
    expect(secret).toBeUndefined()
    expect(isClientSecret(app.oidc.secretHash, chosen)).toBe(true)
    await expect(add('mail', 'x'.repeat(31))).rejects.toMatchObject({ code: 'app_invalid' })
  })

  test('says everything that is wrong with it', async () => {
    await using core = await openCore()
    const { metadata } = anApp({}, { redirect_uris: ['javascript:alert(1)'] }).oidc
    const add = core.commands.apps.add(
      { ...settingsOf(anApp()), id: 'wiki', name: '', oidc: { metadata } },
      byShell,
    )
    await expect(add).rejects.toMatchObject({
      code: 'app_invalid',
      message: expect.stringMatching(/name .*; redirect_uris\[0\]/),
    })
    const badId = core.commands.apps.add({ ...settingsOf(anApp()), id: '../x', oidc: { metadata } }, byShell)
    await expect(badId).rejects.toMatchObject({ code: 'app_invalid' })
    expect(core.apps.list()).toEqual([])
  })

  test('takes each id and each client id once', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    await expect(core.addApp('wiki')).rejects.toMatchObject({ code: 'app_exists' })
    const { metadata } = anApp().oidc
    const sameClient = { ...settingsOf(anApp()), id: 'mail', oidc: { clientId: 'wiki', metadata } }
    await expect(core.commands.apps.add(sameClient, byShell)).rejects.toMatchObject({ code: 'app_exists' })
  })
})

describe('changing an app', () => {
  test('writes the new settings and says which they are', async () => {
    await using core = await openCore()
    const { app } = await core.addApp('wiki')
    await core.audited()
    await core.commands.apps.change(wiki, { ...settingsOf(app), name: 'Encyclopedia' }, byShell)
    expect(core.apps.find(wiki)?.name).toBe('Encyclopedia')
    expect(core.apps.find(wiki)?.oidc).toEqual(app.oidc)
    const [line] = await core.stores.audit.list({ limit: 1 })
    expect(line).toMatchObject({ type: 'app.changed', subject: 'wiki' })
    expect(JSON.parse(line?.detail ?? '')).toMatchObject({ fields: ['name', 'launchUrl'] })
  })

  test('has it asked again soon if it was down: it may be somewhere else now', async () => {
    await using core = await openCore()
    const { app } = await core.addApp('wiki')
    const now = core.clock.now()
    const breaker = { probeAt: now + 300_000, probes: 9 }
    await core.stores.health.save([{ appId: wiki, failures: 9, silences: 9, breaker }])
    await core.commands.apps.change(wiki, { ...settingsOf(app), name: 'Encyclopedia' }, byShell)
    expect(await core.stores.health.find([wiki])).toMatchObject([
      { breaker: { probeAt: now + 1_000, probes: 0 } },
    ])
  })

  test('refuses what would be refused of a new one', async () => {
    await using core = await openCore()
    const { app } = await core.addApp('wiki')
    const change = core.commands.apps.change(wiki, { ...settingsOf(app), name: '' }, byShell)
    await expect(change).rejects.toMatchObject({ code: 'app_invalid' })
  })

  test('refuses the client id of another app', async () => {
    await using core = await openCore()
    await core.addApp('mail')
    const { app } = await core.addApp('wiki')
    const change = core.commands.apps.change(
      wiki,
      { ...settingsOf(app), oidc: { ...app.oidc, clientId: 'mail' } },
      byShell,
    )
    await expect(change).rejects.toMatchObject({
      code: 'app_exists',
      message: expect.stringContaining('mail'),
    })
  })

  test('to fewer people ends what those have there who may not open it any more; to more people ends nothing', async () => {
    await using core = await openCore()
    const { app } = await core.addApp('wiki', { access: { kind: 'groups', groups: ['staff'] } })
    const ada = await core.addAccount('ada@example.com', { groups: ['staff'] })
    const session = await core.beginSession(ada.id, 'wiki')
    const bob = await core.addAccount('bob@example.com', { groups: ['board'] })
    const open = (access: typeof app.access) =>
      core.commands.apps.change(wiki, { ...settingsOf(app), access }, byShell)
    await open({ kind: 'groups', groups: ['staff', 'board'] })
    await open({ kind: 'everyone' })
    const bobs = [await core.beginSession(bob.id, 'wiki'), await core.beginSession(bob.id, 'wiki')] as const
    expect(await core.appCausesOf(session)).toEqual({ wiki: undefined })
    await open({ kind: 'groups', groups: ['staff'] })
    expect(await core.appCausesOf(session)).toEqual({ wiki: undefined })
    for (const his of bobs) {
      expect(await core.appCausesOf(his)).toEqual({ wiki: 'access-removed' })
      expect(await core.causeOf(his)).toBeUndefined()
    }
    expect(await core.reports.list({ limit: 9 })).toHaveLength(1)
    await open({ kind: 'groups', groups: ['board'] })
    expect(await core.appCausesOf(session)).toEqual({ wiki: 'access-removed' })
    expect(await core.causeOf(session)).toBeUndefined()
  })

  test('to fewer people ends all of it where more have it open than can be looked at one by one', async () => {
    await using core = await openCore()
    const { app } = await core.addApp('wiki')
    const ada = await core.addAccount('ada@example.com', { groups: ['staff'] })
    const sessions = await Promise.all(
      Array.from({ length: lookedAtMax + 1 }, () => core.beginSession(ada.id, 'wiki')),
    )
    const access = { kind: 'groups', groups: ['staff'] } as const
    await core.commands.apps.change(wiki, { ...settingsOf(app), access }, byShell)
    for (const session of [sessions[0], sessions.at(-1)]) {
      if (session === undefined) throw new Error('nobody has it open')
      expect(await core.appCausesOf(session)).toEqual({ wiki: 'access-removed' })
    }
    await core.endingJobs.runAll()
    const [report] = await core.reports.list({ limit: 9 })
    expect([report?.ssoSessions, report?.appSessions]).toEqual([0, lookedAtMax + 1])
  })
})

describe('disabling an app', () => {
  test('ends its sessions and no others, and can be undone', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    await core.addApp('mail')
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id, 'wiki', 'mail')
    await core.commands.apps.disable(wiki, byShell)
    expect(await core.appCausesOf(session)).toEqual({ wiki: 'app-removed', mail: undefined })
    expect(await core.causeOf(session)).toBeUndefined()
    expect(core.apps.find(wiki)?.state).toBe('disabled')
    expect(await core.pending()).toBe(1)
    await core.commands.apps.enable(wiki, byShell)
    expect(core.apps.find(wiki)?.state).toBe('enabled')
  })
})

describe('removing an app', () => {
  test('ends its sessions, and it can still be told of them', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id, 'wiki')
    await core.commands.apps.remove(wiki, byShell)
    expect(await core.appCausesOf(session)).toEqual({ wiki: 'app-removed' })
    expect(await core.pending()).toBe(1)
    expect(core.apps.list()).toEqual([])
    expect(core.apps.findByClientId('wiki')).toBeUndefined()
    expect(core.apps.find(wiki)).toMatchObject({
      state: 'disabled',
      oidc: { metadata: { backchannel_logout_uri: expect.any(String) } },
    })
  })

  test('frees its id and client id, and forgets what people agreed to', async () => {
    await using core = await openCore()
    const { app } = await core.addApp('wiki')
    const ada = await core.addAccount('ada@example.com')
    await core.stores.consents.grant({
      accountId: ada.id,
      appId: wiki,
      scopes: ['openid'],
      claims: [],
      grantedAt: 1,
    })
    await core.commands.apps.remove(wiki, byShell)
    expect(await core.stores.consents.find(ada.id, wiki)).toBeUndefined()
    await expect(core.commands.apps.enable(wiki, byShell)).rejects.toMatchObject({ code: 'app_not_found' })
    const again = await core.addApp('wiki')
    expect(again.app.oidc.secretHash).not.toBe(app.oidc.secretHash)
    expect(core.apps.findByClientId('wiki')?.state).toBe('enabled')
    expect(core.apps.find(wiki)?.removedAt).toBeUndefined()
  })

  test('leaves nothing behind after 90 days', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    await core.addApp('mail')
    await core.commands.apps.remove(wiki, byShell)
    core.clock.advance({ days: 91 })
    await core.commands.apps.remove('mail' as AppId, byShell)
    expect((await core.stores.apps.list()).map(({ id }) => id)).toEqual(['mail'])
  })
})

describe('a new client secret', () => {
  test('takes the place of the old one at once', async () => {
    await using core = await openCore()
    const { secret: old = '' } = await core.addApp('wiki')
    const { secret } = await core.commands.apps.rotateSecret(wiki, byShell)
    const hash = core.apps.find(wiki)?.oidc.secretHash
    expect(isClientSecret(hash, secret)).toBe(true)
    expect(isClientSecret(hash, old)).toBe(false)
  })

  test('is not made for an app that uses none', async () => {
    await using core = await openCore()
    const { metadata } = anApp({}, { token_endpoint_auth_method: 'none' }).oidc
    await core.commands.apps.add({ ...settingsOf(anApp()), id: 'wiki', oidc: { metadata } }, byShell)
    await expect(core.commands.apps.rotateSecret(wiki, byShell)).rejects.toMatchObject({
      code: 'app_invalid',
    })
  })
})

describe('commands on apps', () => {
  test('say that there is no such app', async () => {
    await using core = await openCore()
    const { apps } = core.commands
    const missing = { code: 'app_not_found' }
    await expect(apps.disable(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(apps.enable(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(apps.remove(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(apps.rotateSecret(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(apps.change(nobody, settingsOf(anApp()), byShell)).rejects.toMatchObject(missing)
  })
})

describe('commands on sessions', () => {
  test('end one, those of a person, or those at an app', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    const ada = await core.addAccount('ada@example.com')
    const bob = await core.addAccount('bob@example.com')
    const [one, two] = [await core.beginSession(ada.id, 'wiki'), await core.beginSession(ada.id, 'wiki')]
    const other = await core.beginSession(bob.id, 'wiki')
    const { sessions } = core.commands
    expect((await sessions.end(one.id, byShell)).ssoSessionIds).toEqual([one.id])
    expect((await sessions.end(one.id, byShell)).logoutId).toBeUndefined()
    expect(await core.causeOf(one)).toBe('admin')
    await sessions.endOfApp(wiki, bob.id, byShell)
    expect(await core.appCausesOf(other)).toEqual({ wiki: 'admin' })
    expect(await core.appCausesOf(two)).toEqual({ wiki: undefined })
    await sessions.endOfApp(wiki, undefined, byShell)
    expect(await core.appCausesOf(two)).toEqual({ wiki: 'admin' })
    expect(await core.causeOf(two)).toBeUndefined()
    await sessions.endOfAccount(ada.id, byShell)
    expect(await core.causeOf(two)).toBe('admin')
    expect(await core.causeOf(other)).toBeUndefined()
  })

  test('say that there is no such session or account', async () => {
    await using core = await openCore()
    const { sessions } = core.commands
    await expect(sessions.end('ses_none' as never, byShell)).rejects.toMatchObject({
      code: 'session_not_found',
    })
    await expect(sessions.endOfAccount('none' as never, byShell)).rejects.toMatchObject({
      code: 'account_not_found',
    })
  })
})
