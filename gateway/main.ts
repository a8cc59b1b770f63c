/** `npm start`: serves. `--config <file>` names the configuration; otherwise the environment and the working directory do. */
import { parseArgs } from 'node:util'
import { loadConfig } from '#config/load.ts'
import { serve } from './serve.ts'

try {
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  const file = values.config === undefined ? {} : { file: values.config }
  await serve(loadConfig({ ...file, environment: process.env, workingDirectory: process.cwd() }))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
