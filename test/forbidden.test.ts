/**
 * What must not be written outside its one place: time, randomness and network come through ports (so that tests own them), the end of
 * a session is written by one file (invariant 1), what takes something away from accounts and apps goes through two (DECISIONS 96), and
 * the engine's insides are touched by one file.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const sources = globSync('{gateway,adapters,config,views}/**/*.ts', { cwd: root })
  .toSorted()
  .map((file) => ({ file, code: codeOf(readFileSync(join(root, file), 'utf8')) }))

/** Without comments, in which anything may be spoken of. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}

interface Rule {
  readonly what: string
  readonly pattern: RegExp
  readonly instead: string
  /** The one place, or the few. */
  readonly allowedIn: readonly string[]
}

const rules: readonly Rule[] = [
  {
    what: 'the clock of the machine',
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bDate\(\)|process\.hrtime/,
    instead: 'take the Clock port (performance.now is fine: it measures, it does not date)',
    // A line of the log tells when it was written, whatever the gateway's clock says.
    allowedIn: ['adapters/json-log.ts', 'adapters/system-clock.ts'],
  },
  {
    what: 'randomness of the machine',
    pattern: /\b(randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues)\b|Math\.random/,
    instead: 'take the Random port',
    allowedIn: ['adapters/system-random.ts'],
  },
  {
    what: 'a way out to the network',
    pattern: /(?<![\w.'])fetch\(|from '(undici|node:http2|node:dgram|node:dns)'|new WebSocket\(/,
    instead: 'go through the Egress port',
    allowedIn: [
      'adapters/egress-address.ts',
      'adapters/egress-connect.ts',
      'adapters/egress-exchange.ts',
      'adapters/egress-http.ts',
    ],
  },
  {
    what: 'a connection to somewhere else',
    pattern:
      /import \{[^}]*\b(?<!type )(request|get|connect|createConnection|Agent|lookup)\b[^}]*\} from 'node:(http|https|net|tls)'/,
    instead: 'go through the Egress port; only listening is for others',
    allowedIn: [],
  },
  {
    what: 'the console',
    pattern: /\bconsole\.(log|error|warn|info|debug|trace|table)\b/,
    instead: 'take the Log port',
    allowedIn: [],
  },
  {
    what: 'another process',
    pattern: /node:child_process|node:worker_threads/,
    instead: 'the gateway is one process',
    allowedIn: [],
  },
  {
    what: 'the environment',
    pattern: /process\.env/,
    instead: 'config/load is given it by main and the command line',
    allowedIn: ['gateway/cli/command-line.ts', 'gateway/main.ts', 'gateway/cli.ts'],
  },
  {
    what: 'a write of ended_at (invariant 1)',
    pattern: /\bended_at\s*:(?!\s*(?:number|null))|\bended_at\s*=(?!=)/,
    instead: 'call the one door, which marks sessions ended through SessionStore.markEnded',
    allowedIn: ['adapters/sql/session-ending.ts'],
  },
  {
    what: 'a call of markEnded (invariant 1)',
    pattern: /\.markEnded\(/,
    instead: 'call the one door',
    allowedIn: ['gateway/logout/end-session.ts'],
  },
  {
    what: 'a write that takes something away from accounts or apps (DECISIONS 96)',
    pattern: /\brewrites\b|\b(AccountRewrites|CredentialRemovals|AppRewrites|ConsentRemovals)\b/,
    instead: 'go through administration/account-writes or app-writes, which end what was lost',
    allowedIn: [
      'adapters/sql/accounts.ts',
      'adapters/sql/apps.ts',
      'adapters/sql/consents.ts',
      'adapters/sql/credentials.ts',
      'adapters/sql/stores.ts',
      'gateway/accounts/store.ts',
      'gateway/administration/account-writes.ts',
      'gateway/administration/app-writes.ts',
      'gateway/apps/store.ts',
      'gateway/compose-core.ts',
    ],
  },
  {
    what: 'a store of accounts or apps with all of its writes (DECISIONS 96)',
    pattern: /(?<!function )\bcreateSql(Account|Credential|App|Consent)Store\(/,
    instead: 'take the stores that compose-core hands out: what takes away is not among them',
    allowedIn: ['adapters/sql/stores.ts'],
  },
  {
    what: 'a statement that changes accounts or apps',
    pattern: /(?:updateTable|deleteFrom)\(\s*'(?:accounts|credentials|apps|consents)'/,
    instead: 'give the store of that record a method, and decide whether it takes something away',
    allowedIn: [
      'adapters/sql/accounts.ts',
      'adapters/sql/apps.ts',
      'adapters/sql/consents.ts',
      'adapters/sql/credentials.ts',
    ],
  },
  {
    what: "the engine's insides",
    pattern: /\.prototype\b|oidc-provider\/lib/,
    instead: 'put it into oidc/internals.ts, with a test in test/oidc/internals.test.ts',
    allowedIn: ['gateway/oidc/internals.ts'],
  },
  {
    what: 'SQL',
    pattern: /\b(selectFrom|insertInto|updateTable|deleteFrom)\(|from 'kysely'/,
    instead: 'ask a store',
    allowedIn: sources.map(({ file }) => file).filter((file) => file.startsWith('adapters/sql/')),
  },
]

describe('what is written in one place only', () => {
  test('is looked for in all of the code', () => {
    expect(sources.length).toBeGreaterThan(200)
    expect(sources.every(({ code }) => code.length > 0)).toBe(true)
  })

  test.for(rules)('$what', ({ what, pattern, instead, allowedIn }) => {
    const offenders = sources
      .filter(({ file, code }) => pattern.test(code) && !allowedIn.includes(file))
      .map(({ file }) => file)
    expect(offenders, `${what}: ${instead}`).toEqual([])
  })

  test.for(rules.filter(({ allowedIn }) => allowedIn.length > 0))(
    '$what is there',
    ({ pattern, allowedIn }) => {
      // A pattern that no longer matches its own place would forbid nothing.
      expect(sources.some(({ file, code }) => allowedIn.includes(file) && pattern.test(code))).toBe(true)
    },
  )

  test('ended_at is written by markEnded and no other method', () => {
    const code = sources.find(({ file }) => file === 'adapters/sql/session-ending.ts')?.code ?? ''
    const writes = [...code.matchAll(/ended_at: (?!null)[^,\n]+/g)].map(([write]) => write)
    expect(writes).toEqual(['ended_at: ending.at'])
  })
})
