import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openCommandLine, parsed } from './run-gatehouse.ts'

/** Each command is a process of its own, and the machine may be busy. */
const timeout = 120_000

describe('gatehouse', { timeout }, () => {
  test('says on one line what was not understood, and exits with 2', async () => {
    using shell = openCommandLine()
    const wrong = [
      [],
      ['nonsense'],
      ['account'],
      ['account', 'create'],
      ['account', 'create', 'a@example.com', 'b@example.com'],
      ['key', 'list', '--nonsense'],
      ['session', 'list', '--limit', 'many'],
      ['session', 'end'],
      ['logout', 'retry'],
      ['init', '--issuer', 'http://id.example.com'],
    ]
    const all = await Promise.all(wrong.map((words) => shell.gatehouse(...words)))
    for (const ran of all) {
      expect(ran).toEqual({ code: 2, out: '', err: expect.stringMatching(/^gatehouse: .+\n$/) })
    }
  })

  test('explains itself', async () => {
    using shell = openCommandLine()
    const help = await shell.gatehouse('help')
    expect(help).toMatchObject({ code: 0, err: '' })
    expect(help.out).toMatch(/^ {2}serve .+$/m)
    expect((await shell.gatehouse('help', 'app', 'add')).out).toContain('--redirect-uri <url>')
    expect((await shell.gatehouse('key', 'rotate', '--help')).out).toContain('--now')
    expect((await shell.gatehouse('version')).out).toMatch(/^gatehouse \d+\.\d+\.\d+\n$/)
  })
})

describe('gatehouse init', { timeout }, () => {
  test('writes a configuration that is right, says what comes next, and overwrites nothing', async () => {
    using shell = openCommandLine()
    const first = await shell.gatehouse('init')
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toContain('gatehouse serve')
    const file = join(shell.folder, 'gatehouse.yaml')
    expect(statSync(join(shell.folder, 'data')).mode & 0o777).toBe(0o700)
    expect((await shell.gatehouse('config', 'check')).code).toBe(0)
    writeFileSync(file, 'issuer: http://localhost:3999\n')
    const second = await shell.gatehouse('init')
    expect(second).toMatchObject({ code: 1, out: '' })
    expect(readFileSync(file, 'utf8')).toBe('issuer: http://localhost:3999\n')
  })
})

describe('gatehouse config', { timeout }, () => {
  test('names everything that is wrong with the file at once, with its line', async () => {
    using shell = openCommandLine()
    writeFileSync(join(shell.folder, 'other.yaml'), 'issuer: nonsense\nsessions:\n  idel: 8h\n')
    const ran = await shell.gatehouse('config', 'check', '--config', 'other.yaml')
    expect(ran).toMatchObject({ code: 1, out: '' })
    expect(ran.err).toMatch(/other\.yaml:1: issuer/)
    expect(ran.err).toMatch(/other\.yaml:3: sessions\.idel/)
  })

  test('prints what is in force without secrets', async () => {
    using shell = openCommandLine()
    const password = 'a-password-that-nobody-sees'
    writeFileSync(
      join(shell.folder, 'gatehouse.yaml'),
      `accounts: [{ id: ada, email: ada@example.com, password: ${password} }]\n`,
    )
    const yaml = await shell.gatehouse('config', 'print')
    expect(yaml.out).toContain('ada@example.com')
    expect(yaml.out).not.toContain(password)
    const json = parsed<{ issuer: string }>(await shell.gatehouse('config', 'print', '--json'))
    expect(json.issuer).toBe('http://localhost:3000')
  })
})

describe('gatehouse migrate', { timeout }, () => {
  test('shows the steps and applies them', async () => {
    using shell = openCommandLine()
    expect((await shell.gatehouse('migrate', 'status')).out).toMatch(/0001-first +not yet/)
    expect((await shell.gatehouse('migrate', 'up')).out).toMatch(/0001-first +\d{4}-/)
    const [first] = parsed<{ name: string; appliedAt: string }[]>(
      await shell.gatehouse('migrate', 'status', '--json'),
    )
    expect(first?.appliedAt).toMatch(/^\d{4}-/)
  })
})

describe('gatehouse account', { timeout }, () => {
  test('makes, lists, disables, enables and deletes accounts', async () => {
    using shell = openCommandLine()
    const created = await shell.gatehouse(
      'account',
      'create',
      'ada@example.com',
      '--name',
      'Ada',
      '--group',
      'staff',
    )
    expect(created.code).toBe(0)
    expect(created.out).toMatch(/Password, shown only now: [A-Za-z0-9_-]{20}\n/)
    const list = () => shell.gatehouse('account', 'list', '--json').then((ran) => parsed<Listed[]>(ran))
    interface Listed {
      readonly email: string
      readonly state: string
      readonly groups: string[]
    }
    expect(await list()).toMatchObject([{ email: 'ada@example.com', state: 'active', groups: ['staff'] }])
    await shell.gatehouse('account', 'disable', 'ADA@example.com')
    expect(await list()).toMatchObject([{ state: 'disabled' }])
    await shell.gatehouse('account', 'enable', 'ada@example.com')
    expect(await list()).toMatchObject([{ state: 'active' }])
    expect((await shell.gatehouse('account', 'delete', 'ada@example.com')).code).toBe(0)
    expect(await list()).toEqual([])
    const missing = await shell.gatehouse('account', 'delete', 'ada@example.com')
    expect(missing).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('gatehouse account list'),
    })
  })

  test('reads a password from standard input and prints none then', async () => {
    using shell = openCommandLine()
    const weak = await shell.gatehouseWithInput(
      'short\n',
      'account',
      'create',
      'ada@example.com',
      '--password-stdin',
    )
    expect(weak).toMatchObject({ code: 1, out: '' })
    const good = await shell.gatehouseWithInput(
      'a good enough password\n',
      'account',
      'create',
      'ada@example.com',
      '--password-stdin',
    )
    expect(good.code).toBe(0)
    expect(good.out).not.toMatch(/[Pp]assword/)
  })

  test('prints a set-up link until there is an operator', async () => {
    using shell = openCommandLine()
    const link = await shell.gatehouse('account', 'operator')
    expect(link.out).toMatch(/http:\/\/localhost:3000\/set-up\/[A-Za-z0-9_-]{43}\n/)
    expect(link.err).toBe('')
    await shell.gatehouse('account', 'create', 'ada@example.com')
    expect((await shell.gatehouse('account', 'operator', 'ada@example.com')).out).toContain(
      'is an operator now',
    )
    const again = await shell.gatehouse('account', 'operator')
    expect(again).toMatchObject({ code: 1, out: '' })
    await shell.gatehouse('account', 'operator', 'ada@example.com', '--remove')
    expect((await shell.gatehouse('account', 'operator')).code).toBe(0)
  })

  test('resets an account and prints its new password once', async () => {
    using shell = openCommandLine()
    await shell.gatehouse('account', 'create', 'ada@example.com')
    const reset = await shell.gatehouse('account', 'reset', 'ada@example.com')
    expect(reset.out).toMatch(/Password, shown only now: [A-Za-z0-9_-]{20}\n/)
  })
})

describe('gatehouse app', { timeout }, () => {
  test('adds an app with ES256 and prints its secret once', async () => {
    using shell = openCommandLine()
    const added = await shell.gatehouse(
      ...['app', 'add', 'wiki', '--redirect-uri', 'http://127.0.0.1:4001/callback', '--refresh', '--json'],
      ...['--backchannel-logout-uri', 'http://127.0.0.1:4001/logout'],
    )
    const { client_secret: secret, oidc } = parsed<{
      client_secret: string
      oidc: { metadata: Record<string, unknown> }
    }>(added)
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(oidc.metadata).toMatchObject({
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      backchannel_logout_session_required: true,
    })
    for (const words of [
      ['app', 'show', 'wiki'],
      ['app', 'show', 'wiki', '--json'],
      ['app', 'list'],
      ['app', 'list', '--json'],
    ]) {
      const { out } = await shell.gatehouse(...words)
      expect(out).toContain('wiki')
      expect(out).not.toContain(secret)
      expect(out).not.toContain('secretHash')
    }
    const rotated = await shell.gatehouse('app', 'rotate-secret', 'wiki')
    expect(rotated.out).not.toContain(secret)
  })

  test('says what is wrong with an app', async () => {
    using shell = openCommandLine()
    const none = await shell.gatehouse('app', 'add', 'wiki')
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('--redirect-uri') })
    const plain = await shell.gatehouse('app', 'add', 'wiki', '--redirect-uri', 'http://wiki.example/')
    expect(plain).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('redirect_uris[0] must be https'),
    })
    const alg = ['--redirect-uri', 'https://wiki.example/', '--signing-alg', 'HS256']
    expect((await shell.gatehouse('app', 'add', 'wiki', ...alg)).code).toBe(1)
    const short = ['app', 'add', 'wiki', '--redirect-uri', 'https://wiki.example/', '--secret-stdin']
    expect((await shell.gatehouseWithInput('too-short', ...short)).err).toContain('at least 32')
    expect((await shell.gatehouse('app', 'show', 'wiki')).code).toBe(1)
  })

  test('disables, enables and removes an app', async () => {
    using shell = openCommandLine()
    await shell.gatehouse('app', 'add', 'wiki', '--redirect-uri', 'https://wiki.example/', '--public')
    await shell.gatehouse('app', 'disable', 'wiki')
    expect((await shell.gatehouse('app', 'list')).out).toMatch(/^wiki +wiki +disabled/m)
    await shell.gatehouse('app', 'enable', 'wiki')
    expect((await shell.gatehouse('app', 'list')).out).toMatch(/^wiki +wiki +enabled/m)
    expect((await shell.gatehouse('app', 'remove', 'wiki')).code).toBe(0)
    expect(parsed(await shell.gatehouse('app', 'list', '--json'))).toEqual([])
  })
})

describe('gatehouse key', { timeout }, () => {
  test('lists the keys, rotates them ahead of time or at once', async () => {
    using shell = openCommandLine()
    interface Listed {
      readonly alg: string
      readonly state: string
      readonly keyId: string
    }
    const states = (keys: readonly Listed[]) => keys.map(({ state }) => state).toSorted()
    const list = () => shell.gatehouse('key', 'list', '--json').then((ran) => parsed<Listed[]>(ran))
    expect(states(await list())).toEqual(['active', 'active'])
    await shell.gatehouse('key', 'rotate')
    expect(states(await list())).toEqual(['active', 'active', 'next', 'next'])
    const made = parsed<Listed[]>(await shell.gatehouse('key', 'rotate', '--now', '--json'))
    expect(states(made)).toEqual(['active', 'active'])
    expect(states(await list())).toEqual(['active', 'active', 'next', 'next', 'retired', 'retired'])
  })

  test('that lost the key file says which file to put back', async () => {
    using shell = openCommandLine()
    await shell.gatehouse('key', 'list')
    writeFileSync(join(shell.folder, 'data', 'master.key'), `${'x'.repeat(43)}\n`)
    const ran = await shell.gatehouse('key', 'list')
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining('master.key') })
  })
})
