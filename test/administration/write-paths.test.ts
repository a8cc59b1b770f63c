/**
 * Whatever is written of accounts and apps ends exactly what it takes away: every way to write is walked, and a way that is not in the
 * table fails. What verbs of the command line do is in `test/cli/write-paths.test.ts`.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createStores, type Rewrites } from '#adapters/sql/stores.ts'
import type { AccountStore, CredentialStore } from '#gateway/accounts/store.ts'
import type { AppStore, ConsentStore } from '#gateway/apps/store.ts'
import type { Actor } from '#gateway/sessions/cause.ts'
import { openCore } from './harness.ts'
import { startLives } from './lives.ts'
import type { GroupRow, Row } from './write-paths.ts'
import { accountRows } from './write-paths-of-accounts.ts'
import { appRows } from './write-paths-of-apps.ts'
import { ownRows, passkeyRows, setUpRows } from './write-paths-of-people.ts'
import { fileRows } from './write-paths-of-the-file.ts'

const seeds = [undefined, 31] as const

function rowsOf(group: Readonly<Record<string, readonly GroupRow[]>>, by: Actor['kind']): readonly Row[] {
  return Object.entries(group).flatMap(([command, rows]) =>
    rows.map((row) => ({ by, ...row, what: `${command}: ${row.what}` })),
  )
}

const groups: readonly (readonly [string, readonly Row[]])[] = [
  ['what operators do to accounts', rowsOf(accountRows, 'command-line')],
  ['what operators do to apps', rowsOf(appRows, 'command-line')],
  ['what people do to their account', rowsOf(ownRows, 'account')],
  ['what people do to their passkeys', rowsOf(passkeyRows, 'account')],
  ['the first operator', rowsOf(setUpRows, 'account')],
  ['another configuration file', fileRows.map((row) => ({ ...row, by: 'configuration' }))],
]

describe.for(groups)('%s ends what it takes away, tells whoever must know, and nothing else', ([, rows]) => {
  const cases = seeds.flatMap((seed) => rows.map((row) => ({ ...row, seed })))
  test.for(cases)('$what (seed $seed)', { timeout: 60_000 }, async ({ does, ends, by, seed }) => {
    await using lives = await startLives(seed === undefined ? {} : { seed })
    await does(lives)
    await lives.expectEnded(ends, by)
  })
})

/** What a method of a store can do to somebody's session. */
type Kind =
  | 'reads'
  | 'adds'
  /** Writes nothing that a session rests on. */
  | 'notes'
type Kinds<Of> = Readonly<Record<keyof Of, Kind>>

const handedToEveryone = {
  accounts: {
    insert: 'adds',
    insertFirstOperator: 'adds',
    find: 'reads',
    findAndHold: 'reads',
    findByFoldedEmail: 'reads',
    findByWebauthnUser: 'reads',
    list: 'reads',
    anyOperator: 'reads',
    passwordHashOf: 'reads',
    // The same password, which only its owner's own sign-in brings.
    rehashPassword: 'notes',
    fileFingerprints: 'reads',
    // Whose record it is, the file's or the operator's.
    setFileFingerprint: 'notes',
  } satisfies Kinds<AccountStore>,
  credentials: {
    insert: 'adds',
    find: 'reads',
    findByWebauthnId: 'reads',
    listByAccount: 'reads',
    recordUse: 'notes',
    rename: 'notes',
  } satisfies Kinds<CredentialStore>,
  apps: { insert: 'adds', find: 'reads', list: 'reads', fingerprints: 'reads' } satisfies Kinds<AppStore>,
  consents: { find: 'reads', grant: 'adds', listByAccount: 'reads' } satisfies Kinds<ConsentStore>,
} as const

const takesAway = {
  accounts: ['change', 'delete', 'setPassword'],
  credentials: ['delete'],
  apps: ['delete', 'replace'],
  consents: ['forget', 'forgetAccount', 'forgetApp'],
} as const satisfies { readonly [Store in keyof Rewrites]: readonly (keyof Rewrites[Store])[] }

const parts = ['accounts', 'credentials', 'apps', 'consents'] as const

describe('the ways to write', () => {
  test('of the commands on accounts and apps are all in the table', async () => {
    await using lives = await startLives()
    const { commands, passkeys, setUp } = lives.world.gateway
    expect(Object.keys(commands.accounts).toSorted()).toEqual(Object.keys(accountRows).toSorted())
    expect(Object.keys(commands.apps).toSorted()).toEqual(Object.keys(appRows).toSorted())
    expect(Object.keys(commands.ownAccount).toSorted()).toEqual(Object.keys(ownRows).toSorted())
    expect(Object.keys(passkeys).toSorted()).toEqual(Object.keys(passkeyRows).toSorted())
    expect(Object.keys(setUp).toSorted()).toEqual(Object.keys(setUpRows).toSorted())
  })

  test.for(parts)('of the store of %s that takes something away is handed to no command', async (part) => {
    await using core = await openCore()
    expect(Object.keys(core.stores[part]).toSorted()).toEqual(Object.keys(handedToEveryone[part]).toSorted())
    const { rewrites } = createStores(core.database, 'default')
    expect(Object.keys(rewrites[part]).toSorted()).toEqual([...takesAway[part]].toSorted())
    expect(JSON.stringify(Object.keys(core))).not.toContain('rewrites')
  })

  test('begin in the commands that the table walks, and nowhere else', () => {
    const root = join(import.meta.dirname, '../..')
    const callers = (pattern: RegExp) =>
      globSync('gateway/**/*.ts', { cwd: root })
        .filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')))
        .toSorted()
    expect(callers(/\baccountWrites\s*\.run\(/)).toEqual([
      'gateway/administration/accounts.ts',
      'gateway/administration/declared-accounts.ts',
      'gateway/administration/own-account.ts',
      'gateway/administration/remove-passkey.ts',
    ])
    expect(callers(/\bappWrites\s*\.(replace|forgetRemovedBefore)\(/)).toEqual([
      'gateway/administration/apps.ts',
      'gateway/administration/declared-apps.ts',
    ])
  })
})
