import { describe, expect, test } from 'vitest'
import { createStores } from '#adapters/sql/stores.ts'
import { createAccountWrites } from '#gateway/administration/account-writes.ts'
import { createAccountCommands } from '#gateway/administration/accounts.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { newId } from '#gateway/kernel/ids.ts'
import { byShell, openCore, type TestCore } from './harness.ts'

const nobody = 'nobody' as AccountId

async function addPasskey(core: TestCore, accountId: AccountId): Promise<void> {
  await core.stores.credentials.insert(
    {
      id: newId('credential', core.random),
      accountId,
      webauthnId: core.random.bytes(16).toString('base64url'),
      publicKey: 'key',
      counter: 0,
      transports: [],
      aaguid: '00000000-0000-0000-0000-000000000000',
      backupEligible: true,
      backedUp: true,
      name: 'Phone',
      createdAt: core.clock.now(),
    },
    10,
  )
}

describe('creating an account', () => {
  test('makes one that can sign in with its password', async () => {
    await using core = await openCore()
    const account = await core.commands.accounts.create(
      {
        email: ' Ada@Example.com ',
        name: 'Ada',
        groups: ['staff', 'board'],
        password: 'a good enough password',
      },
      byShell,
    )
    expect(account).toMatchObject({
      email: 'Ada@Example.com',
      name: 'Ada',
      groups: ['board', 'staff'],
      hasPassword: true,
      operator: false,
      state: 'active',
      fileOwned: false,
    })
    expect(await core.stores.accounts.findByFoldedEmail('ada@example.com')).toEqual(account)
    const hash = await core.stores.accounts.passwordHashOf(account.id)
    expect(await core.passwords.verify(hash, 'a good enough password')).toMatchObject({ kind: 'right' })
    expect(await core.audited()).toContain('account.created')
  })

  test('gives an address to one account only, however it is spelt', async () => {
    await using core = await openCore()
    const created = await Promise.allSettled(
      ['ada@example.com', 'ADA@example.com', 'Ada@Example.Com'].map((email) => core.addAccount(email)),
    )
    expect(created.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(created.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'account_exists' },
    })
  })

  test.for([
    ['what is no address', { email: 'ada' }],
    ['an empty name', { name: ' ' }],
    ['a group with a comma', { groups: ['a,b'] }],
    ['a password that is too short', { password: 'short' }],
    ['a password that is the address', { password: 'ada@example.com' }],
  ] as const)('refuses %s', async ([, change]) => {
    await using core = await openCore()
    const of = { email: 'ada@example.com', password: 'a good enough password', ...change }
    await expect(core.commands.accounts.create(of, byShell)).rejects.toMatchObject({ code: 'input_invalid' })
    expect(await core.stores.accounts.list({ limit: 10 })).toEqual([])
  })
})

describe('disabling an account', () => {
  test('ends all its sessions, owes every app the news and writes it down', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    const ada = await core.addAccount('ada@example.com')
    const bob = await core.addAccount('bob@example.com')
    const [one, two] = [await core.beginSession(ada.id, 'wiki'), await core.beginSession(ada.id)]
    const other = await core.beginSession(bob.id, 'wiki')
    await core.audited()
    const ended = await core.commands.accounts.disable(ada.id, byShell)
    expect(ended.ssoSessionIds.toSorted()).toEqual([one.id, two.id].sort())
    expect([await core.causeOf(one), await core.causeOf(two)]).toEqual([
      'account-disabled',
      'account-disabled',
    ])
    expect(await core.causeOf(other)).toBeUndefined()
    expect((await core.stores.accounts.find(ada.id))?.state).toBe('disabled')
    expect(await core.pending()).toBe(1)
    expect((await core.audited()).toSorted()).toEqual([
      'account.disabled',
      'app-session.ended',
      'session.ended',
      'session.ended',
    ])
  })

  test('leaves everything as it was when its sessions cannot be ended', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id)
    await core.audited()
    const accountWrites = createAccountWrites({
      ...core,
      ...core.stores,
      tokens: core.stores.artifacts,
      rewrites: createStores(core.database, 'default').rewrites,
      endSession: () => Promise.reject(new Error('no room')),
    })
    const accounts = createAccountCommands({
      ...core,
      ...core.stores,
      audit: core.audit.append,
      accountWrites,
    })
    await expect(accounts.disable(ada.id, byShell)).rejects.toThrow('no room')
    expect((await core.stores.accounts.find(ada.id))?.state).toBe('active')
    expect(await core.causeOf(session)).toBeUndefined()
    expect(await core.audited()).toEqual([])
  })

  test.for([undefined, 21])('by eight at once ends each session once (seed %s)', async (seed) => {
    await using core = await openCore(seed === undefined ? {} : { seed })
    const ada = await core.addAccount('ada@example.com')
    for (let index = 0; index < 3; index++) await core.beginSession(ada.id)
    const all = await Promise.all(
      Array.from({ length: 8 }, () => core.commands.accounts.disable(ada.id, byShell)),
    )
    expect(all.flatMap(({ ssoSessionIds }) => ssoSessionIds)).toHaveLength(3)
    expect((await core.audited()).filter((type) => type === 'account.disabled')).toHaveLength(1)
  })

  test('is undone by enabling it, which revives no session', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id)
    await core.commands.accounts.disable(ada.id, byShell)
    await core.commands.accounts.enable(ada.id, byShell)
    expect((await core.stores.accounts.find(ada.id))?.state).toBe('active')
    expect(await core.causeOf(session)).toBe('account-disabled')
  })
})

describe('deleting an account', () => {
  test('ends its sessions and leaves neither passkeys nor agreements behind', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    const ada = await core.addAccount('ada@example.com')
    await addPasskey(core, ada.id)
    const wiki = 'wiki' as AppId
    await core.stores.consents.grant({
      accountId: ada.id,
      appId: wiki,
      scopes: ['openid'],
      claims: [],
      grantedAt: core.clock.now(),
    })
    const session = await core.beginSession(ada.id, 'wiki')
    await core.commands.accounts.delete(ada.id, byShell)
    expect(await core.stores.accounts.find(ada.id)).toBeUndefined()
    expect(await core.stores.credentials.listByAccount(ada.id)).toEqual([])
    expect(await core.stores.consents.find(ada.id, wiki)).toBeUndefined()
    expect(await core.causeOf(session)).toBe('account-deleted')
    expect(await core.pending()).toBe(1)
  })

  test('frees its address for another account with another subject (DECISIONS 18)', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    await core.commands.accounts.delete(ada.id, byShell)
    expect((await core.addAccount('ada@example.com')).id).not.toBe(ada.id)
  })
})

describe('changing an account', () => {
  test('writes what was given and nothing else', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com', { groups: ['staff'] })
    await core.audited()
    const changed = await core.commands.accounts.change(ada.id, { name: 'Ada L.', operator: true }, byShell)
    expect(changed).toMatchObject({
      id: ada.id,
      email: ada.email,
      groups: ['staff'],
      name: 'Ada L.',
      operator: true,
    })
    expect(await core.audited()).toEqual(['account.changed'])
    await core.commands.accounts.change(ada.id, {}, byShell)
    expect(await core.audited()).toEqual([])
  })

  test('refuses an address that another account has', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    await core.addAccount('bob@example.com')
    await expect(
      core.commands.accounts.change(ada.id, { email: 'BOB@example.com' }, byShell),
    ).rejects.toMatchObject({ code: 'account_exists' })
  })

  test('by taking a group away ends the sessions at apps that were open through it, and no others', async () => {
    await using core = await openCore()
    await core.addApp('wiki')
    await core.addApp('hr', { access: { kind: 'groups', groups: ['staff'] } })
    const ada = await core.addAccount('ada@example.com', { groups: ['staff', 'guests'] })
    const bob = await core.addAccount('bob@example.com', { groups: ['staff'] })
    const session = await core.beginSession(ada.id, 'wiki', 'hr')
    const other = await core.beginSession(bob.id, 'hr')
    await core.commands.accounts.change(ada.id, { groups: ['guests'] }, byShell)
    expect(await core.appCausesOf(session)).toEqual({ wiki: undefined, hr: 'access-removed' })
    expect(await core.causeOf(session)).toBeUndefined()
    expect(await core.appCausesOf(other)).toEqual({ hr: undefined })
  })
})

describe('a new password from an operator', () => {
  test('ends every session', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id)
    await core.commands.accounts.setPassword(ada.id, 'another good password', byShell)
    expect(await core.causeOf(session)).toBe('password-changed')
    const hash = await core.stores.accounts.passwordHashOf(ada.id)
    expect(await core.passwords.verify(hash, 'another good password')).toMatchObject({ kind: 'right' })
    expect(await core.passwords.verify(hash, 'a good enough password')).toEqual({ kind: 'wrong' })
  })

  test('is refused when it is too short', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id)
    await expect(core.commands.accounts.setPassword(ada.id, 'short', byShell)).rejects.toMatchObject({
      code: 'input_invalid',
    })
    expect(await core.causeOf(session)).toBeUndefined()
  })
})

describe('resetting an account', () => {
  test('removes every passkey, sets a password and ends every session', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    await addPasskey(core, ada.id)
    await addPasskey(core, ada.id)
    const session = await core.beginSession(ada.id)
    await core.audited()
    await core.commands.accounts.reset(ada.id, 'another good password', byShell)
    expect(await core.stores.credentials.listByAccount(ada.id)).toEqual([])
    expect(await core.causeOf(session)).toBe('password-changed')
    expect((await core.audited()).toSorted()).toEqual([
      'passkey.removed',
      'passkey.removed',
      'password.changed',
      'session.ended',
    ])
  })

  test('without a password ends the sessions when there was a passkey to remove', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com')
    const session = await core.beginSession(ada.id)
    await core.commands.accounts.reset(ada.id, undefined, byShell)
    expect(await core.causeOf(session)).toBeUndefined()
    await addPasskey(core, ada.id)
    await core.commands.accounts.reset(ada.id, undefined, byShell)
    expect(await core.causeOf(session)).toBe('credential-changed')
  })
})

describe('commands on accounts', () => {
  test('say that there is no such account', async () => {
    await using core = await openCore()
    const { accounts } = core.commands
    const missing = { code: 'account_not_found' }
    await expect(accounts.disable(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(accounts.enable(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(accounts.delete(nobody, byShell)).rejects.toMatchObject(missing)
    await expect(accounts.change(nobody, { name: 'X' }, byShell)).rejects.toMatchObject(missing)
    await expect(accounts.reset(nobody, undefined, byShell)).rejects.toMatchObject(missing)
    await expect(accounts.setPassword(nobody, 'a good enough password', byShell)).rejects.toMatchObject(
      missing,
    )
  })

  test('obey an operator, and nobody who is none or is one no more', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com', { operator: true })
    const bob = await core.addAccount('bob@example.com')
    const { accounts } = core.commands
    const refused = { code: 'forbidden' }
    const byBob = { kind: 'operator', accountId: bob.id } as const
    const byAda = { kind: 'operator', accountId: ada.id } as const
    await expect(accounts.disable(ada.id, byBob)).rejects.toMatchObject(refused)
    await expect(accounts.create({ email: 'x@example.com' }, byBob)).rejects.toMatchObject(refused)
    await accounts.disable(bob.id, byAda)
    await accounts.change(ada.id, { operator: false }, byShell)
    await expect(accounts.enable(bob.id, byAda)).rejects.toMatchObject(refused)
    await accounts.change(ada.id, { operator: true }, byShell)
    await accounts.disable(ada.id, byShell)
    await expect(accounts.enable(bob.id, byAda)).rejects.toMatchObject(refused)
    await expect(core.commands.sessions.endOfAccount(bob.id, byAda)).rejects.toMatchObject(refused)
  })
})
