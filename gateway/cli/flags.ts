import { parseArgs } from 'node:util'
import { UsageError } from './verb.ts'

export interface FlagSpec {
  readonly kind: 'yes' | 'text' | 'texts'
  /** What stands for the value in help, such as `url`. */
  readonly value?: string
  readonly help: string
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>

/** What was given after `--`, read by name. */
export interface Flags {
  yes(name: string): boolean
  text(name: string): string | undefined
  texts(name: string): readonly string[]
  /** A whole number of at least 1. */
  count(name: string, otherwise: number): number
}

/** Every verb takes these. */
export const commonFlags: FlagSpecs = {
  config: {
    kind: 'text',
    value: 'file',
    help: 'the configuration file (else GATEHOUSE_CONFIG, else ./gatehouse.yaml)',
  },
  help: { kind: 'yes', help: 'what the verb does and takes' },
}

/** Reads words and flags. Throws UsageError for what is not known. */
export function readFlags(
  args: readonly string[],
  specs: FlagSpecs,
): { readonly words: readonly string[]; readonly flags: Flags } {
  const options = Object.fromEntries(
    Object.entries({ ...specs, ...commonFlags }).map(([name, { kind }]) => [
      name,
      { type: kind === 'yes' ? ('boolean' as const) : ('string' as const), multiple: kind === 'texts' },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    })
    return { words: positionals, flags: flagsOver(values) }
  } catch (error) {
    // parseArgs explains in its first sentence; the rest is advice about `--` that would only confuse.
    const [sentence = ''] = error instanceof Error ? error.message.split('. ') : []
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`, { cause: error })
  }
}

function flagsOver(values: Readonly<Record<string, unknown>>): Flags {
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    yes: (name) => values[name] === true,
    text,
    texts: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    count: (name, otherwise) => {
      const given = text(name)
      if (given === undefined) return otherwise
      if (!/^[1-9][0-9]{0,6}$/.test(given)) throw new UsageError(`--${name} takes a whole number from 1.`)
      return Number(given)
    },
  }
}
