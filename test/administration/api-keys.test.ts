import { describe, expect, test } from 'vitest'
import { apiScopes } from '#gateway/administration/api-key.ts'
import { dayMs } from '#gateway/kernel/clock.ts'
import type { ApiKeyId } from '#gateway/kernel/ids.ts'
import { byShell, openCore } from './harness.ts'

const reader = { name: 'the dashboard', scopes: ['sessions:read'] } as const

describe('an API key', () => {
  test('is shown once, opens what it may, and is stored as a digest', async () => {
    await using core = await openCore()
    await core.audited()
    const { key, secret } = await core.commands.apiKeys.create(reader, byShell)
    expect(secret).toMatch(/^gh_[A-Za-z0-9_-]{43}$/)
    expect(await core.commands.apiKeys.authenticate(secret)).toEqual(key)
    const stored = await core.stores.apiKeys.list()
    expect(stored).toMatchObject([{ id: key.id, name: 'the dashboard', createdBy: byShell }])
    expect(JSON.stringify([stored, await core.stores.audit.list({ limit: 10 })])).not.toContain(secret)
    expect(await core.audited()).toEqual(['api-key.created'])
  })

  test('opens nothing when it is changed, cut, extended or made up', async () => {
    await using core = await openCore()
    const { secret } = await core.commands.apiKeys.create(reader, byShell)
    const { authenticate } = core.commands.apiKeys
    const last = secret.endsWith('A') ? 'B' : 'A'
    for (const wrong of [
      '',
      'gh_',
      `${secret}x`,
      secret.slice(0, -1),
      `${secret.slice(0, -1)}${last}`,
      secret.toUpperCase(),
      secret.slice(3),
      ` ${secret}`,
      `gh_${'A'.repeat(43)}`,
    ]) {
      expect([wrong, await authenticate(wrong)]).toEqual([wrong, undefined])
    }
  })

  test('works up to its expiry and not at it', async () => {
    await using core = await openCore()
    const { secret } = await core.commands.apiKeys.create({ ...reader, expiresInMs: dayMs }, byShell)
    core.clock.advance({ ms: dayMs - 1 })
    expect(await core.commands.apiKeys.authenticate(secret)).toBeDefined()
    core.clock.advance({ ms: 1 })
    expect(await core.commands.apiKeys.authenticate(secret)).toBeUndefined()
  })

  test('opens nothing from the moment it is revoked, and is revoked once', async () => {
    await using core = await openCore()
    await core.audited()
    const { key, secret } = await core.commands.apiKeys.create(reader, byShell)
    await core.commands.apiKeys.revoke(key.id, byShell)
    await core.commands.apiKeys.revoke(key.id, byShell)
    expect(await core.commands.apiKeys.authenticate(secret)).toBeUndefined()
    expect(await core.audited()).toEqual(['api-key.created', 'api-key.revoked'])
    await expect(core.commands.apiKeys.revoke('key_unknown' as ApiKeyId, byShell)).rejects.toMatchObject({
      code: 'api_key_not_found',
    })
  })

  test('says when it was last used, to the minute', async () => {
    await using core = await openCore()
    const { key, secret } = await core.commands.apiKeys.create(reader, byShell)
    const lastUsedAt = async () => (await core.stores.apiKeys.find(key.id))?.lastUsedAt
    expect(await lastUsedAt()).toBeUndefined()
    const first = core.clock.now()
    await core.commands.apiKeys.authenticate(secret)
    core.clock.advance({ seconds: 59 })
    await core.commands.apiKeys.authenticate(secret)
    expect(await lastUsedAt()).toBe(first)
    core.clock.advance({ seconds: 2 })
    await core.commands.apiKeys.authenticate(secret)
    expect(await lastUsedAt()).toBe(core.clock.now())
  })

  test('is made and revoked by operators only', async () => {
    await using core = await openCore()
    const ada = await core.addAccount('ada@example.com', { operator: true })
    const bob = await core.addAccount('bob@example.com')
    const operator = { kind: 'operator', accountId: ada.id } as const
    const { key } = await core.commands.apiKeys.create(reader, operator)
    expect(key.createdBy).toEqual(operator)
    const nobody = { kind: 'operator', accountId: bob.id } as const
    await expect(core.commands.apiKeys.create(reader, nobody)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(core.commands.apiKeys.revoke(key.id, nobody)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await core.stores.apiKeys.list()).toHaveLength(1)
  })

  test.for([
    ['a name of two lines', { name: 'a\nb', scopes: ['sessions:read'] }],
    ['no name', { name: '', scopes: ['sessions:read'] }],
    ['no scope', { name: 'a', scopes: [] }],
  ] as const)('is not made with %s', async ([, wanted]) => {
    await using core = await openCore()
    await expect(core.commands.apiKeys.create(wanted, byShell)).rejects.toMatchObject({
      code: 'input_invalid',
    })
  })
})

describe('a command that a key may give', () => {
  test('is carried out with the scope, refused without it, and refused once the key is revoked', async () => {
    await using core = await openCore()
    const account = await core.addAccount('ada@example.com')
    const session = await core.beginSession(account.id)
    const { apiKeys, sessions } = core.commands
    const { key: may } = await apiKeys.create({ name: 'may', scopes: ['sessions:end'] }, byShell)
    const others = apiScopes.filter((scope) => scope !== 'sessions:end')
    const { key: mayNot } = await apiKeys.create({ name: 'may not', scopes: others }, byShell)
    const { key: revoked } = await apiKeys.create({ name: 'gone', scopes: ['sessions:end'] }, byShell)
    await apiKeys.revoke(revoked.id, byShell)

    const by = ({ id }: { id: ApiKeyId }) => ({ kind: 'api-key', apiKeyId: id }) as const
    await expect(sessions.end(session.id, by(mayNot))).rejects.toMatchObject({ code: 'insufficient_scope' })
    await expect(sessions.end(session.id, by(revoked))).rejects.toMatchObject({ code: 'api_key_invalid' })
    await expect(
      sessions.endOfAccount(account.id, by({ id: 'key_unknown' as ApiKeyId })),
    ).rejects.toMatchObject({ code: 'api_key_invalid' })
    expect(await core.causeOf(session)).toBeUndefined()

    const { logoutId } = await sessions.end(session.id, by(may))
    expect(await core.causeOf(session)).toBe('admin')
    expect(logoutId && (await core.reports.find(logoutId))?.actor).toEqual(by(may))
  })
})
