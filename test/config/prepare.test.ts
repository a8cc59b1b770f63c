import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { folderWith } from './written.ts'

/**
 * Stands in for npm, which would need a registry: installs by copying the lock file, counts its runs, and takes long enough
 * for two to meet.
 */
const fakeNpm = `
const fs = require('node:fs')
fs.appendFileSync('npm-runs', process.argv.slice(2).join(' ') + '\\n')
if (fs.existsSync('npm-fails')) {
  console.error('npm error the registry is on holiday')
  process.exit(1)
}
setTimeout(() => {
  fs.mkdirSync('node_modules', { recursive: true })
  fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
}, 300)
`

function lockWith(version: string): string {
  const packages = {
    '': {},
    'node_modules/koa': { version, integrity: `sha512-${version}` },
    'node_modules/vitest': { version: '5.1.1', dev: true },
    'node_modules/for-another-platform': { version: '1.0.0', optional: true },
  }
  return JSON.stringify({ lockfileVersion: 3, packages })
}

interface Clone extends Disposable {
  readonly path: string
  prepare(options?: readonly string[]): Promise<{ code: number | null; output: string }>
  npmRuns(): number
}

/** A fresh clone with nothing but the plumbing in it. */
function freshClone(): Clone {
  const folder = folderWith({ 'package-lock.json': lockWith('3.0.0'), 'npm/npm-cli.js': fakeNpm })
  mkdirSync(join(folder.path, 'config'))
  for (const name of ['gatehouse.mjs', 'prepare.mjs', 'install-lock.mjs', 'runtime.mjs']) {
    copyFileSync(
      fileURLToPath(new URL(`../../config/${name}`, import.meta.url)),
      join(folder.path, 'config', name),
    )
  }
  return {
    path: folder.path,
    prepare: (options = []) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [join(folder.path, 'config/prepare.mjs'), ...options], {
          cwd: tmpdir(),
          env: {
            ...process.env,
            npm_execpath: join(folder.path, 'npm/npm-cli.js'),
            npm_node_execpath: process.execPath,
          },
        })
        let output = ''
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (text) => (output += String(text)))
        child.on('close', (code) => resolve({ code, output }))
      }),
    npmRuns: () => {
      const runs = join(folder.path, 'npm-runs')
      return existsSync(runs) ? readFileSync(runs, 'utf8').trim().split('\n').length : 0
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

describe('preparing a clone', () => {
  test('installs once, says so on stderr, and never runs an install script', async () => {
    using clone = freshClone()
    const first = await clone.prepare()
    expect(first.code).toBe(0)
    expect(first.output).toMatch(/Installing packages \(first start\).*installed in \d+ s/s)
    expect(readFileSync(join(clone.path, 'npm-runs'), 'utf8')).toMatch(/^ci --ignore-scripts /)
    expect(await clone.prepare()).toEqual({ code: 0, output: '' })
    expect(clone.npmRuns()).toBe(1)
  })

  test('installs again when the lock file asks for something else, and not because it looks newer', async () => {
    using clone = freshClone()
    await clone.prepare()
    writeFileSync(join(clone.path, 'package-lock.json'), lockWith('3.0.0'))
    await clone.prepare()
    expect(clone.npmRuns()).toBe(1)
    writeFileSync(join(clone.path, 'package-lock.json'), lockWith('3.0.1'))
    expect((await clone.prepare()).output).toContain('koa changed')
    expect(clone.npmRuns()).toBe(2)
  })

  test('needs the packages for tests only when tests are to run', async () => {
    using clone = freshClone()
    await clone.prepare()
    const installed = join(clone.path, 'node_modules/.package-lock.json')
    const { 'node_modules/vitest': _, ...packages } = JSON.parse(readFileSync(installed, 'utf8')).packages
    writeFileSync(installed, JSON.stringify({ packages }))
    await clone.prepare()
    expect(clone.npmRuns()).toBe(1)
    expect((await clone.prepare(['--dev'])).output).toContain('vitest is missing')
    expect(clone.npmRuns()).toBe(2)
  })

  test('installs again after an installation that was killed halfway', async () => {
    using clone = freshClone()
    await clone.prepare()
    writeFileSync(join(clone.path, 'node_modules/.package-lock.json'), '{"packages": {')
    expect((await clone.prepare()).code).toBe(0)
    expect(clone.npmRuns()).toBe(2)
  })

  test('shows the words of npm and fails when npm fails', async () => {
    using clone = freshClone()
    writeFileSync(join(clone.path, 'npm-fails'), '')
    const { code, output } = await clone.prepare()
    expect(code).toBe(1)
    expect(output).toContain('the registry is on holiday')
    expect(output).toContain('npm could not install the packages')
  })

  test('twice at once installs once: the second waits for the first', async () => {
    using clone = freshClone()
    const both = await Promise.all([clone.prepare(), clone.prepare()])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(clone.npmRuns()).toBe(1)
    expect(both.filter(({ output }) => output.includes('waiting for it'))).toHaveLength(1)
  })

  test('is not held up by the lock of a process that was killed', async () => {
    using clone = freshClone()
    const dead = spawn(process.execPath, ['--version'])
    await new Promise((resolve) => dead.on('exit', resolve))
    const name = createHash('sha256').update(realpathSync(clone.path)).digest('hex').slice(0, 16)
    const lock = join(tmpdir(), `gatehouse-install-${process.getuid?.() ?? 'user'}-${name}.lock`)
    writeFileSync(lock, String(dead.pid))
    expect((await clone.prepare()).code).toBe(0)
    expect(clone.npmRuns()).toBe(1)
    expect(existsSync(lock)).toBe(false)
  })
})

describe('the gatehouse command', () => {
  /** A program that says what it was given, and ends half a second after it is asked to. */
  const program = `
const code: number = 3
if (process.argv[2] === 'serve') {
  setInterval(() => undefined, 1_000)
  process.on('SIGTERM', () => {
    process.stdout.write('asked to end\\n')
    setTimeout(() => process.exit(4), 500)
  })
}
process.stdout.write(process.argv.slice(2).join(' ') + '\\n')
process.exitCode = code
`

  function gatehouse(clone: Clone, ...options: readonly string[]) {
    mkdirSync(join(clone.path, 'gateway'), { recursive: true })
    writeFileSync(join(clone.path, 'gateway/cli.ts'), program)
    const child = spawn(process.execPath, [join(clone.path, 'config/gatehouse.mjs'), ...options], {
      cwd: tmpdir(),
    })
    let output = ''
    child.stdout.on('data', (text) => (output += String(text)))
    const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
      child.on('close', (code) => resolve({ code, output }))
    })
    return { child, ended }
  }

  test('hands its arguments to the program and ends with its exit code, from any folder', async () => {
    using clone = freshClone()
    await clone.prepare()
    expect(await gatehouse(clone, 'session', 'list', '--json').ended).toEqual({
      code: 3,
      output: 'session list --json\n',
    })
  })

  test('passes on the wish to end, even twice, and waits for the program', async () => {
    using clone = freshClone()
    await clone.prepare()
    const { child, ended } = gatehouse(clone, 'serve')
    child.stdout.once('data', () => child.kill('SIGTERM'))
    child.stdout.on('data', (text) => {
      if (String(text).includes('asked to end')) child.kill('SIGTERM')
    })
    const { code, output } = await ended
    expect(code).toBe(4)
    expect(output).toContain('asked to end')
  })
})
