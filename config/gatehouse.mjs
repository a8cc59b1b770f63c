#!/usr/bin/env node
// The `gatehouse` command. Plain JavaScript: it may be started by a Node that cannot run the program itself.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'

const runtime = await prepare()
const child = spawn(runtime, [join(root, 'gateway', 'cli.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
})

// A terminal sends Ctrl-C to both of us, a supervisor only to this process; the program takes repeats as one.
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']
for (const signal of forwarded) process.on(signal, () => child.kill(signal))

child.on('error', (error) => {
  process.stderr.write(`gatehouse: cannot run ${runtime}: ${error.message}\n`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  // As a shell says it, so that a supervisor sees how the program ended.
  process.exit(code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0)))
})
