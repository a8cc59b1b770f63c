/**
 * `npm start`: serves. `--config <file>` names the configuration; otherwise the environment and the working directory do.
 * Begins with compiled code of the last run, as cli.ts does: compiling is half of what a start takes.
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

// What this process writes (databases and what SQLite keeps beside them, keys, secrets) is its own user's alone.
process.umask(0o077)
// Beside the code, where only those who may change the code can write; where nobody can, it is simply not kept.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'gatehouse'))

try {
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  const file = values.config === undefined ? {} : { file: values.config }
  const { loadConfig } = await import('#config/load.ts')
  const { serve } = await import('./serve.ts')
  await serve(loadConfig({ ...file, environment: process.env, workingDirectory: process.cwd() }))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
