import { commonFlags, type FlagSpecs } from './flags.ts'
import type { Terminal } from './terminal.ts'
import type { Verb } from './verb.ts'

/** All verbs, a line each. */
export function sayHelp(terminal: Terminal, verbs: readonly Verb[]): void {
  terminal.line('gatehouse: a single sign-on gateway, and a logout every app hears of')
  terminal.line()
  const width = Math.max(...verbs.map(({ name }) => name.length)) + 2
  for (const { name, summary } of verbs) terminal.line(`  ${name.padEnd(width)}${summary}`)
  terminal.line()
  terminal.line('gatehouse <verb> --help says more. Verbs that touch the store work beside a running server.')
  terminal.line('Exit codes: 0 done, 1 failed, 2 not understood.')
}

/** One verb with its flags. */
export function sayVerbHelp(terminal: Terminal, verb: Verb): void {
  terminal.line(`gatehouse ${verb.name} ${verb.usage}`.trimEnd())
  terminal.line(`  ${verb.summary}`)
  terminal.line()
  const rows = flagRows({ ...verb.flags, ...commonFlags })
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 2
  for (const [flag, help] of rows) terminal.line(`  ${flag.padEnd(width)}${help}`)
}

function flagRows(flags: FlagSpecs): readonly (readonly [string, string])[] {
  return Object.entries(flags).map(([name, { kind, value, help }]) => [
    kind === 'yes' ? `--${name}` : `--${name} <${value ?? 'text'}>`,
    help,
  ])
}
