import { describe, expect, test } from 'vitest'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { byShell, openCore, type Settings } from './harness.ts'

const wiki = 'wiki' as AppId
const ada = 'ada' as AccountId

const wikiEntry = {
  id: 'wiki',
  name: 'Wiki',
  oidc: {
    client_secret: 'a-secret-of-at-least-32-characters',
    redirect_uris: ['http://127.0.0.1:4001/callback'],
    backchannel_logout_uri: 'http://127.0.0.1:4001/backchannel-logout',
  },
}
const adaEntry = { id: 'ada', email: 'ada@example.com', password: 'ada-has-a-password', groups: ['staff'] }

/** Starts on one folder again and again, each time with another file. */
async function startsOf(...files: readonly Settings[]) {
  const clock = createManualClock()
  let core = await openCore({ clock, settings: files[0] ?? {} })
  const { folder } = core
  const restart = async (settings: Settings) => {
    await core.stop()
    core = await openCore({ folder, clock, settings })
    await core.audited()
    return core
  }
  await core.commands.applyDeclared()
  await core.audited()
  return {
    get core() {
      return core
    },
    /** Stops, and starts with this file without applying it yet. */
    restart,
    [Symbol.asyncDispose]: async () => {
      await core[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
    },
  }
}

describe('what the configuration file declares', () => {
  test('is there after the first start, owned by the file', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    expect(starts.core.apps.find(wiki)).toMatchObject({ name: 'Wiki', fileOwned: true, state: 'enabled' })
    expect(await starts.core.stores.accounts.find(ada)).toMatchObject({
      email: 'ada@example.com',
      groups: ['staff'],
      fileOwned: true,
      hasPassword: true,
    })
  })

  test('is not written again when nothing changed: no password is hashed anew, no session ends', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    const session = await starts.core.beginSession(ada, 'wiki')
    const hash = await starts.core.stores.accounts.passwordHashOf(ada)
    // The same entries with their keys in another order.
    const { id, ...rest } = wikiEntry
    const core = await starts.restart({ accounts: [adaEntry], apps: [{ ...rest, id }] })
    expect(await core.commands.applyDeclared()).toEqual({ apps: 0, accounts: 0 })
    expect(await core.audited()).toEqual([])
    expect(await core.stores.accounts.passwordHashOf(ada)).toBe(hash)
    expect(await core.causeOf(session)).toBeUndefined()
  })

  test('is written where it changed, and only there', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    const session = await starts.core.beginSession(ada, 'wiki')
    const hash = await starts.core.stores.accounts.passwordHashOf(ada)
    const core = await starts.restart({
      apps: [{ ...wikiEntry, name: 'Encyclopedia' }],
      accounts: [{ ...adaEntry, name: 'Ada L.' }],
    })
    expect(await core.commands.applyDeclared()).toEqual({ apps: 1, accounts: 1 })
    expect(core.apps.find(wiki)?.name).toBe('Encyclopedia')
    expect((await core.stores.accounts.find(ada))?.name).toBe('Ada L.')
    // A fresh salt is not a password change (DECISIONS 32).
    expect(await core.stores.accounts.passwordHashOf(ada)).toBe(hash)
    expect(await core.causeOf(session)).toBeUndefined()
    expect(await core.audited()).toEqual(['app.changed', 'account.changed'])
  })

  test('with another password ends the account’s sessions', async () => {
    await using starts = await startsOf({ accounts: [adaEntry] })
    const session = await starts.core.beginSession(ada)
    const core = await starts.restart({ accounts: [{ ...adaEntry, password: 'another-password' }] })
    await core.commands.applyDeclared()
    expect(await core.causeOf(session)).toBe('password-changed')
    const hash = await core.stores.accounts.passwordHashOf(ada)
    expect(await core.passwords.verify(hash, 'another-password')).toMatchObject({ kind: 'right' })
  })

  test('with fewer groups ends the sessions at apps that were open through them', async () => {
    const hr = { ...wikiEntry, id: 'hr', access: ['staff'] }
    await using starts = await startsOf({ apps: [wikiEntry, hr], accounts: [adaEntry] })
    const session = await starts.core.beginSession(ada, 'wiki', 'hr')
    const core = await starts.restart({ apps: [wikiEntry, hr], accounts: [{ ...adaEntry, groups: [] }] })
    await core.commands.applyDeclared()
    expect(await core.appCausesOf(session)).toEqual({ wiki: undefined, hr: 'access-removed' })
  })

  test('and then no more is disabled through the door, not deleted', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    const session = await starts.core.beginSession(ada, 'wiki')
    const core = await starts.restart({})
    expect(await core.commands.applyDeclared()).toEqual({ apps: 1, accounts: 1 })
    expect(core.apps.find(wiki)).toMatchObject({ state: 'disabled', fileOwned: false })
    expect(await core.stores.accounts.find(ada)).toMatchObject({ state: 'disabled', fileOwned: false })
    expect(await core.causeOf(session)).toBe('account-disabled')
    expect(await core.appCausesOf(session)).toEqual({ wiki: 'app-removed' })
    expect(await core.pending()).toBe(1)
    expect(await core.commands.applyDeclared()).toEqual({ apps: 0, accounts: 0 })
  })

  test('and comes back is enabled again, with the subject it had', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    await (await starts.restart({})).commands.applyDeclared()
    const core = await starts.restart({ apps: [wikiEntry], accounts: [adaEntry] })
    await core.commands.applyDeclared()
    expect(core.apps.find(wiki)).toMatchObject({ state: 'enabled', fileOwned: true })
    expect(await core.stores.accounts.find(ada)).toMatchObject({ state: 'active', fileOwned: true })
  })

  test('may be disabled by an operator at once, and stays so whatever else the file changes', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    await starts.core.commands.accounts.disable(ada, byShell)
    await starts.core.commands.apps.disable(wiki, byShell)
    const core = await starts.restart({
      apps: [{ ...wikiEntry, name: 'Other' }],
      accounts: [{ ...adaEntry, name: 'Other' }],
    })
    await core.commands.applyDeclared()
    expect(core.apps.find(wiki)).toMatchObject({ name: 'Other', state: 'disabled' })
    expect(await core.stores.accounts.find(ada)).toMatchObject({ name: 'Other', state: 'disabled' })
  })

  test('is changed and removed nowhere else', async () => {
    await using starts = await startsOf({ apps: [wikiEntry], accounts: [adaEntry] })
    const { accounts, apps } = starts.core.commands
    const account = { code: 'account_file_owned' }
    await expect(accounts.change(ada, { name: 'X' }, byShell)).rejects.toMatchObject(account)
    await expect(accounts.delete(ada, byShell)).rejects.toMatchObject(account)
    await expect(accounts.setPassword(ada, 'another good password', byShell)).rejects.toMatchObject(account)
    await expect(accounts.reset(ada, 'another good password', byShell)).rejects.toMatchObject(account)
    const app = { code: 'app_file_owned' }
    const current = starts.core.apps.find(wiki)
    if (current === undefined) throw new Error('the app is gone')
    await expect(apps.change(wiki, current, byShell)).rejects.toMatchObject(app)
    await expect(apps.remove(wiki, byShell)).rejects.toMatchObject(app)
    await expect(apps.rotateSecret(wiki, byShell)).rejects.toMatchObject(app)
  })

  test('without an id is one account, the same at every start', async () => {
    const { id: _, ...withoutId } = adaEntry
    await using starts = await startsOf({ accounts: [withoutId] })
    const [first] = await starts.core.stores.accounts.list({ limit: 10 })
    const core = await starts.restart({ accounts: [{ ...withoutId, name: 'Ada L.' }] })
    await core.commands.applyDeclared()
    expect(await core.stores.accounts.list({ limit: 10 })).toEqual([
      { ...first, name: 'Ada L.', updatedAt: expect.any(Number) },
    ])
    expect(first?.id).not.toContain('ada')
  })

  test('takes over an account that was made by hand under that address', async () => {
    await using starts = await startsOf({})
    const made = await starts.core.addAccount('ada@example.com')
    const { id: _, ...withoutId } = adaEntry
    const core = await starts.restart({ accounts: [withoutId] })
    await core.commands.applyDeclared()
    expect(await core.stores.accounts.find(made.id)).toMatchObject({ fileOwned: true, groups: ['staff'] })
  })

  test('under another id keeps its client id once the old app is removed', async () => {
    await using starts = await startsOf({ apps: [wikiEntry] })
    const renamed = { ...wikiEntry, id: 'encyclopedia', oidc: { ...wikiEntry.oidc, client_id: 'wiki' } }
    const core = await starts.restart({ apps: [renamed] })
    await expect(core.commands.applyDeclared()).rejects.toThrow('gatehouse app remove wiki')
    await core.commands.apps.remove(wiki, byShell)
    await core.commands.applyDeclared()
    expect(core.apps.findByClientId('wiki')?.id).toBe('encyclopedia')
  })

  test('that takes an address or a client id of another stops the start, with file and line', async () => {
    await using starts = await startsOf({})
    await starts.core.addAccount('ada@example.com')
    await starts.core.addApp('mail')
    const account = await starts.restart({ accounts: [adaEntry] })
    await expect(account.commands.applyDeclared()).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringMatching(/gatehouse\.yaml:\d+: account ada@example\.com: another account/),
    })
    const clash = { ...wikiEntry, oidc: { ...wikiEntry.oidc, client_id: 'mail' } }
    const app = await starts.restart({ apps: [clash] })
    await expect(app.commands.applyDeclared()).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringMatching(/gatehouse\.yaml:\d+: app wiki: the app mail has the client id mail/),
    })
  })
})
