import type { LoadedConfig } from '#config/load.ts'
import type { FlagSpecs, Flags } from './flags.ts'
import type { Terminal } from './terminal.ts'

/** What one verb is, for running it and for explaining it. */
export interface Verb {
  /** Such as `account create`. */
  readonly name: string
  /** What stands after the name, such as `<e-mail> [--operator]`. */
  readonly usage: string
  /** One line of help. */
  readonly summary: string
  readonly flags: FlagSpecs
  /** How many words may stand after the name. */
  readonly words: { readonly min: number; readonly max: number }
  run(call: Call): Promise<void>
}

export interface Call {
  readonly words: readonly string[]
  readonly flags: Flags
  readonly terminal: Terminal
  /** Reads the configuration that `--config`, the environment and the working directory give. */
  loadConfig(): Promise<LoadedConfig>
}

/** The command was not understood: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}
