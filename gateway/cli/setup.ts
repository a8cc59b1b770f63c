import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { formatProblem } from '#config/problems.ts'
import { GatewayError } from '../kernel/errors.ts'
import { counted, timesAsText } from './say.ts'
import { instant } from './terminal.ts'
import { type Call, UsageError, type Verb } from './verb.ts'

const asJson = { json: { kind: 'yes', help: 'print JSON' } } as const

export const setUpVerbs: readonly Verb[] = [
  {
    name: 'serve',
    usage: '',
    summary: 'run the gateway',
    flags: {},
    words: { min: 0, max: 0 },
    run: async (call) => {
      const loaded = await call.loadConfig()
      const { serve } = await import('../serve.ts')
      return serve(loaded)
    },
  },
  {
    name: 'init',
    usage: '[<folder>] [--issuer <url>]',
    summary: 'write a first gatehouse.yaml and say what comes next; overwrites nothing',
    flags: {
      issuer: { kind: 'text', value: 'url', help: 'the public address (default http://localhost:3000)' },
    },
    words: { min: 0, max: 1 },
    run: init,
  },
  {
    name: 'config check',
    usage: '[--json]',
    summary: 'say everything that is wrong with the configuration',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: check,
  },
  {
    name: 'config print',
    usage: '[--json]',
    summary: 'the configuration in force, with defaults, without secrets',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: print,
  },
  {
    name: 'migrate status',
    usage: '[--json]',
    summary: 'which steps of the database schema are applied',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: (call) => migrate(call, false),
  },
  {
    name: 'migrate up',
    usage: '[--json]',
    summary: 'apply the missing steps; serve does so by itself',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: (call) => migrate(call, true),
  },
]

async function init(call: Call): Promise<void> {
  const folder = resolve(call.words[0] ?? '.')
  const file = join(folder, 'gatehouse.yaml')
  if (existsSync(file)) {
    throw new GatewayError('input_invalid', `${file} is there already; nothing was changed.`)
  }
  const issuer = issuerFrom(call.flags.text('issuer') ?? 'http://localhost:3000')
  mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
  // 'wx': of two at once one wins, and nothing is ever overwritten. 0600: secrets of apps may be written into it.
  writeFileSync(file, firstConfiguration(issuer), { flag: 'wx', mode: 0o600 })
  const here = call.words.length === 0 ? '' : ` --config ${file}`
  const { terminal } = call
  terminal.line(`Wrote ${file}.`)
  terminal.line('Next:')
  terminal.line(`  gatehouse serve${here}`)
  terminal.line('    prints a link for the first operator account')
  terminal.line(`  gatehouse app add wiki --redirect-uri https://wiki.example.com/callback${here}`)
  terminal.line('    registers your first app and prints its client secret')
  if (issuer.protocol === 'https:') {
    terminal.line(
      `A reverse proxy must pass ${issuer.origin} on to http://127.0.0.1:3000; see trusted_proxies and tls.`,
    )
  }
}

function issuerFrom(text: string): URL {
  const issuer = URL.parse(text)
  const loopback = issuer !== null && ['localhost', '127.0.0.1', '[::1]'].includes(issuer.hostname)
  const scheme = issuer?.protocol === 'https:' || (issuer?.protocol === 'http:' && loopback)
  if (issuer !== null && scheme && issuer.href === `${issuer.origin}/`) return issuer
  throw new UsageError(
    '--issuer takes an origin such as https://id.example.com (http only on loopback, no path).',
  )
}

function firstConfiguration(issuer: URL): string {
  const port = issuer.protocol === 'http:' ? issuer.port || '80' : '3000'
  return `# Every key with its default is in config/gatehouse.example.yaml. "gatehouse config check" finds mistakes.

# The one public address. Changing it later orphans passkeys.
issuer: ${issuer.origin}
listen:
  host: 127.0.0.1
  port: ${port}
# The database, keys and secrets. Back it up, and the key file apart from the rest.
data_dir: ./data
`
}

async function check({ terminal, flags, loadConfig }: Call): Promise<void> {
  const { warnings, file, config } = await loadConfig()
  if (flags.yes('json')) {
    terminal.json({ file: file ?? null, warnings })
    return
  }
  for (const warning of warnings) terminal.line(`warning: ${formatProblem(warning)}`)
  const declared = `${counted(config.apps.length, 'app')}, ${counted(config.accounts.length, 'account')}`
  terminal.line(`${file ?? 'The defaults'}: nothing is wrong (${declared}).`)
}

async function print({ terminal, flags, loadConfig }: Call): Promise<void> {
  const { printConfig } = await import('#config/print.ts')
  const shown = printConfig(await loadConfig())
  if (flags.yes('json')) {
    const { parse } = await import('yaml')
    terminal.json(parse(shown))
  } else terminal.line(shown.trimEnd())
}

async function migrate({ terminal, flags, loadConfig }: Call, apply: boolean): Promise<void> {
  const { config } = await loadConfig()
  const { openSqlite } = await import('#adapters/sql/open.ts')
  const { migrationStatus } = await import('#adapters/sql/migrate.ts')
  const database = await openSqlite({ file: config.storage.databaseFile, migrate: apply })
  try {
    const steps = (await migrationStatus(database.q())).map(({ name, appliedAt }) => ({
      name,
      appliedAt: appliedAt?.getTime(),
    }))
    if (flags.yes('json')) return terminal.json(steps.map(timesAsText))
    terminal.table(
      ['STEP', 'APPLIED'],
      steps.map(({ name, appliedAt }) => [name, appliedAt === undefined ? 'not yet' : instant(appliedAt)]),
    )
  } finally {
    await database.close()
  }
}
