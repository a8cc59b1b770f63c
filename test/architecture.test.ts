/**
 * Who may import whom (ARCHITECTURE.md, DECISIONS 35). Imports point down the list of ranks and never up or sideways, but for the few
 * that are named here. Types count as much as values: what a file knows of is what it depends on.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The vocabulary of the audit trail and of ending sessions, which every record may speak. */
const causes = 'gateway/sessions/cause.ts'
const events = 'gateway/audit/event.ts'
const kernel = 'gateway/kernel'
const http = 'gateway/http'
const records = ['accounts', 'apps', 'audit', 'keys', 'sessions'].map((part) => `gateway/${part}`)
const engines = ['logout', 'sign-in', 'administration'].map((part) => `gateway/${part}`)
const edges = ['api', 'console', 'oidc', 'portal'].map((part) => `gateway/${part}`)

/** What an adapter sees: ports, and the records that go through them. Nothing that acts. */
const portsAndRecords = [
  kernel,
  ...records.map((part) => `${part}/store.ts`),
  'gateway/logout/store.ts',
  'gateway/logout/journey-store.ts',
  'gateway/administration/store.ts',
  'gateway/administration/api-key.ts',
  'gateway/logout/health-store.ts',
  'gateway/logout/webhook-store.ts',
  'gateway/logout/webhook-message.ts',
  'gateway/oidc/store.ts',
  'gateway/accounts/account.ts',
  'gateway/accounts/credential.ts',
  'gateway/accounts/password-hasher.ts',
  'gateway/apps/app.ts',
  'gateway/apps/consent.ts',
  'gateway/keys/signing-key.ts',
  'gateway/logout/delivery.ts',
  'gateway/logout/health.ts',
  'gateway/sessions/app-session.ts',
  'gateway/sessions/assurance.ts',
  'gateway/sessions/ending.ts',
  'gateway/sessions/offline-access.ts',
  'gateway/sessions/sso-session.ts',
  causes,
  events,
]

/** What each part may import besides itself and Node. The longest matching part rules; a file of no part is a fault. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  // 0
  [kernel]: [],
  config: ['zod', 'yaml'],
  views: [],
  // 1
  'gateway/sessions': [kernel],
  'gateway/accounts': [kernel],
  'gateway/apps': [kernel, causes],
  'gateway/audit': [kernel, causes],
  'gateway/keys': [kernel, causes, events],
  [http]: [kernel, 'koa', 'ipaddr.js'],
  // 2
  'gateway/logout': [kernel, 'gateway/sessions', 'gateway/audit', 'zod'],
  'gateway/sign-in': [
    kernel,
    'gateway/sessions',
    'gateway/accounts',
    'gateway/audit',
    '@simplewebauthn/server',
    'ipaddr.js',
    'zod',
  ],
  // The throttle of the sign-in counts wrong passwords here too, or this would be the way around it.
  // What operators ask of deliveries is the engine's own work, and carried out there.
  'gateway/administration': [
    kernel,
    ...records,
    'config/networks.ts',
    'config/resolved.ts',
    'gateway/sign-in/throttle.ts',
    'gateway/logout/retry.ts',
    'gateway/logout/store.ts',
    'gateway/logout/app-check.ts',
  ],
  // What the pages of people and of operators do the same way.
  'gateway/pages': [
    kernel,
    http,
    'gateway/sessions',
    'gateway/accounts',
    'gateway/apps',
    'gateway/sign-in',
    'views',
    'koa',
  ],
  // 3
  'gateway/oidc': [kernel, http, ...records, ...engines, 'oidc-provider', 'koa', 'koa-compose'],
  'gateway/api': [kernel, http, ...records, ...engines, 'koa', '@koa/router', 'zod'],
  'gateway/portal': [
    kernel,
    http,
    'gateway/pages',
    ...records,
    ...engines,
    'views',
    'koa',
    '@koa/router',
    'zod',
  ],
  'gateway/console': [
    kernel,
    http,
    'gateway/pages',
    ...records,
    ...engines,
    'views',
    'koa',
    '@koa/router',
    'zod',
  ],
  adapters: [
    ...portsAndRecords,
    'better-sqlite3',
    'kysely',
    'undici',
    'ipaddr.js',
    'pino',
    '@node-rs/argon2',
  ],
  // 4
  'gateway/server.ts': [kernel, http, ...edges, 'koa'],
  // 5: the only files that know everything
  'gateway/compose.ts': ['gateway', 'config'],
  'gateway/compose-core.ts': ['gateway', 'adapters', 'config'],
  'gateway/compose-commands.ts': ['gateway', 'config'],
  'gateway/compose-edges.ts': ['gateway', 'views'],
  'gateway/compose-logout.ts': ['gateway', 'adapters', 'config'],
  'gateway/compose-meters.ts': ['gateway'],
  'gateway/compose-metrics.ts': ['gateway'],
  'gateway/serve.ts': ['gateway', 'config'],
  'gateway/main.ts': ['gateway', 'config'],
  'gateway/cli.ts': ['gateway'],
  'gateway/cli': ['gateway', 'adapters', 'config', 'package.json', 'yaml'],
}

/** Packages that one file keeps to itself. */
const keptBy: Readonly<Record<string, string>> = {
  'oidc-provider/lib': 'gateway/oidc/internals.ts',
  '@node-rs/argon2': 'adapters/argon2.ts',
  pino: 'adapters/json-log.ts',
}

const root = join(import.meta.dirname, '..')
const files = globSync('{gateway,adapters,config,views}/**/*.ts', { cwd: root }).toSorted()

const specifier =
  /^(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

function importsOf(file: string): readonly string[] {
  return importsIn(file, readFileSync(join(root, file), 'utf8'))
}

function importsIn(file: string, text: string): readonly string[] {
  return [...text.matchAll(specifier)]
    .map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
    .map((name) =>
      name.startsWith('#') ? name.slice(1) : name.startsWith('.') ? posix.join(dirname(file), name) : name,
    )
    .filter((name) => !name.startsWith('node:'))
}

/** What is there when the program runs: types are gone, and what a verb imports when it runs is its own affair. */
function valuesImportedBy(file: string): readonly string[] {
  const types = /^(?:import|export) type\b[^'"]*?from\s*['"][^'"]+['"]/gm
  const later = /\bimport\(\s*['"][^'"]+['"]\s*\)/g
  return importsIn(file, readFileSync(join(root, file), 'utf8').replaceAll(types, '').replaceAll(later, ''))
}

const within = (path: string, part: string): boolean => path === part || path.startsWith(`${part}/`)
const partOf = (file: string): string | undefined =>
  Object.keys(mayImport)
    .filter((part) => within(file, part))
    .toSorted((one, other) => other.length - one.length)[0]

describe('imports', () => {
  test('are seen: there is code, and every part has some of it', () => {
    expect(files.length).toBeGreaterThan(200)
    expect(files.flatMap(importsOf).length).toBeGreaterThan(1_000)
    const seen = new Set(files.map(partOf))
    expect(Object.keys(mayImport).filter((part) => !seen.has(part))).toEqual([])
  })

  test.for(files)('of %s are what its part allows', (file) => {
    const part = partOf(file)
    if (part === undefined) throw new Error(`${file} belongs to no part`)
    const allowed = [part, ...(mayImport[part] ?? [])]
    const strays = importsOf(file).filter((to) => !allowed.some((each) => within(to, each)))
    expect(strays, `${file} (${part}) imports what it may not`).toEqual([])
  })

  test.for(Object.entries(keptBy))('of %s are in %s alone', ([name, keeper]) => {
    const importers = files.filter((file) => importsOf(file).some((to) => within(to, name)))
    expect(importers).toEqual([keeper])
  })

  test('are all needed: nothing is allowed that nobody imports any more', () => {
    const unused = Object.entries(mayImport).flatMap(([part, allowed]) => {
      const imported = files.filter((file) => partOf(file) === part).flatMap(importsOf)
      // `records` and `engines` are named as a whole; what is named one by one is there for a reason.
      const named = allowed.filter(
        (each) => ![...records, ...engines, ...edges, ...portsAndRecords].includes(each),
      )
      return named
        .filter((each) => !imported.some((to) => within(to, each)))
        .map((each) => `${part}: ${each}`)
    })
    expect(unused).toEqual([])
  })
})

describe('the shape of the house', () => {
  test('no part of the gateway stands outside a folder but those that put it together', () => {
    const alone = files.filter((file) => /^gateway\/[^/]+$/.test(file)).map((file) => file.slice(8))
    expect(alone).toEqual([
      'cli.ts',
      'compose-commands.ts',
      'compose-core.ts',
      'compose-edges.ts',
      'compose-logout.ts',
      'compose-meters.ts',
      'compose-metrics.ts',
      'compose.ts',
      'main.ts',
      'serve.ts',
      'server.ts',
    ])
  })

  test('invariant 9: sessions know no protocol, no transport and no engine', () => {
    const imported = files.filter((file) => within(file, 'gateway/sessions')).flatMap(importsOf)
    expect(imported.length).toBeGreaterThan(10)
    for (const to of imported) expect(to).toMatch(/^gateway\/(kernel|sessions)\//)
  })

  test('the command line loads no engine that only people and apps need', () => {
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      if (files.includes(file)) for (const to of valuesImportedBy(file)) load(to)
    }
    for (const begin of ['gateway/cli.ts', 'gateway/compose-core.ts', 'gateway/compose-commands.ts'])
      load(begin)
    expect(loaded).toContain('gateway/oidc/logout-token.ts')
    const engines = ['oidc-provider', 'koa', '@koa/router', 'koa-compose', '@simplewebauthn/server', 'views']
    expect([...loaded].filter((to) => engines.some((engine) => within(to, engine)))).toEqual([])
  })

  test('edges do not know each other', () => {
    for (const edge of edges) {
      const others = edges.filter((other) => other !== edge)
      const imported = files.filter((file) => within(file, edge)).flatMap(importsOf)
      expect(imported.filter((to) => others.some((other) => within(to, other)))).toEqual([])
    }
  })
})
