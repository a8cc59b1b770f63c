/**
 * `gatehouse <verb>`: what an operator types.
 *
 * Owns: finding the verb, exit codes (0 done, 1 failed, 2 not understood), and that an error is said on stderr with what to do.
 * Relies on: the same composition as the server; verbs load what they need when they run, so that help does not wait for an engine.
 * Never: needs the server to run; what it writes, a running one notices.
 */
import { ConfigurationError } from '#config/problems.ts'
import packageFile from '../../package.json' with { type: 'json' }
import { GatewayError } from '../kernel/errors.ts'
import { accountVerbs } from './account.ts'
import { apiKeyVerbs } from './api-key.ts'
import { appVerbs } from './app.ts'
import { appCheckVerbs } from './app-check.ts'
import { readFlags } from './flags.ts'
import { sayHelp, sayVerbHelp } from './help.ts'
import { keyVerbs } from './key.ts'
import { logoutVerbs } from './logout.ts'
import { receiptVerbs } from './receipt.ts'
import { sessionVerbs } from './session.ts'
import { setUpVerbs } from './setup.ts'
import { createTerminal, printable, type Terminal } from './terminal.ts'
import { UsageError, type Verb } from './verb.ts'

const helpVerbs: readonly Verb[] = [
  {
    name: 'version',
    usage: '',
    summary: 'which version this is',
    flags: {},
    words: { min: 0, max: 0 },
    run: async ({ terminal }) => terminal.line(`gatehouse ${packageFile.version}`),
  },
  {
    name: 'help',
    usage: '[<verb>]',
    summary: 'this text, or more about one verb',
    flags: {},
    words: { min: 0, max: 2 },
    run: async ({ terminal, words }) =>
      words.length === 0 ? sayHelp(terminal, verbs) : sayVerbHelp(terminal, findVerb(words).verb),
  },
]

const verbs: readonly Verb[] = [
  ...setUpVerbs,
  ...accountVerbs,
  ...appVerbs,
  ...appCheckVerbs,
  ...sessionVerbs,
  ...logoutVerbs,
  ...receiptVerbs,
  ...keyVerbs,
  ...apiKeyVerbs,
  ...helpVerbs,
]

/** The verb that `args` begin with, and what stands after its name. */
function findVerb(args: readonly string[]): { readonly verb: Verb; readonly rest: readonly string[] } {
  const [first = '', second = ''] = args
  if (first === '') throw new UsageError('What shall be done? See: gatehouse help')
  const verb =
    verbs.find(({ name }) => name === `${first} ${second}`) ?? verbs.find(({ name }) => name === first)
  if (verb !== undefined) return { verb, rest: args.slice(verb.name.split(' ').length) }
  const siblings = verbs.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name)
  throw new UsageError(
    siblings.length === 0
      ? `There is no verb ${printable(first)}. See: gatehouse help`
      : `Which one? ${siblings.join(', ')}`,
  )
}

async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const [first] = args
  if (first === '--help' || first === '-h') return sayHelp(terminal, verbs)
  if (first === '--version') return run(['version'], terminal)
  const { verb, rest } = findVerb(args)
  const { words, flags } = readFlags(rest, verb.flags)
  if (flags.yes('help')) return sayVerbHelp(terminal, verb)
  if (words.length < verb.words.min || words.length > verb.words.max) {
    throw new UsageError(`Usage: gatehouse ${verb.name} ${verb.usage}`.trimEnd())
  }
  await verb.run({
    words,
    flags,
    terminal,
    loadConfig: async () => {
      const { loadConfig } = await import('#config/load.ts')
      return loadConfig({
        file: flags.text('config'),
        environment: process.env,
        workingDirectory: process.cwd(),
      })
    },
  })
}

/** What went wrong, for the person at the terminal; the cause where the message alone would leave them guessing. */
function inWords(error: unknown): string {
  if (error instanceof UsageError || error instanceof ConfigurationError) return error.message
  if (error instanceof GatewayError) {
    const { cause } = error
    const why = error.fault === 'us' && cause instanceof Error ? ` (${cause.message})` : ''
    return `${error.message}${why}`
  }
  return `This should not happen: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

/** Runs one command and returns the exit code. Never throws. */
export async function runCommandLine(args: readonly string[]): Promise<0 | 1 | 2> {
  // `gatehouse session list | head` closes the pipe early: that is no failure.
  process.stdout.on('error', () => process.exit(0))
  try {
    await run(args, createTerminal(process))
    return 0
  } catch (error) {
    process.stderr.write(`gatehouse: ${inWords(error)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}
