/** `npm start`: serves with the configuration that the environment and the working directory give. */
import { loadConfig } from '#config/load.ts'
import { serve } from './serve.ts'

try {
  await serve(loadConfig({ environment: process.env, workingDirectory: process.cwd() }))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
