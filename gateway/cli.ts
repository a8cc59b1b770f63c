/** The `gatehouse` command: begins with compiled code of the last run, because half of a verb's second would go into compiling. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// What this process writes (databases and what SQLite keeps beside them, keys, secrets) is its own user's alone.
process.umask(0o077)
// Beside the code, where only those who may change the code can write; where nobody can, it is simply not kept.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'gatehouse'))
const { runCommandLine } = await import('./cli/command-line.ts')
process.exitCode = await runCommandLine(process.argv.slice(2))
