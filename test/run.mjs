// `npm test`: installs what is missing, runs every suite once, and says in its last line how many tests passed.
// Plain JavaScript: it may be started by a Node that cannot run the tests.
//
//   --fast   without browsers, foreign clients, crashes and races by the thousand
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { prepare, root } from '../config/prepare.mjs'
import { provideDebianPackages } from './support/debian-packages.mjs'

const slowSuites = [
  'test/browser/**',
  'test/clients/**',
  'test/crash/**',
  'test/journey/**',
  'test/races/thousand-*',
]

const options = process.argv.slice(2)
const fast = options.includes('--fast')
const passedOn = options.filter((option) => option !== '--fast')

const runtime = await prepare({ development: true })
const without = fast ? [] : await provideDebianPackages()

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
try {
  const report = join(folder, 'report.json')
  const code = await runVitest(report)
  process.exitCode = close(code, report)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * @param {string} report
 * @returns {Promise<number>}
 */
function runVitest(report) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const excluded = fast ? slowSuites.flatMap((suite) => ['--exclude', suite]) : []
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const child = spawn(runtime, [vitest, 'run', ...reporters, ...excluded, ...passedOn], {
    cwd: root,
    env: {
      ...process.env,
      GATEHOUSE_TEST_WITHOUT: without.join(','),
      // Tests that start `node` mean the one that runs the program.
      PATH: [dirname(runtime), process.env.PATH].join(delimiter),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`)
      resolve(1)
    })
    child.on('exit', (exitCode) => resolve(exitCode ?? 1))
  })
}

/**
 * Names what was left out, then the counts alone on the last line.
 *
 * @param {number} code
 * @param {string} report
 * @returns {number} the exit code
 */
function close(code, report) {
  const files = readReport(report)
  let [passed, failed, skipped] = [0, 0, 0]
  for (const file of files) {
    const count = (/** @type {string[]} */ ...states) =>
      file.assertionResults.filter(({ status }) => states.includes(status)).length
    const leftOut = count('skipped', 'pending', 'todo', 'disabled')
    passed += count('passed')
    // A file that could not be loaded has no tests to fail, but it failed.
    failed += Math.max(count('failed'), file.status === 'failed' ? 1 : 0)
    skipped += leftOut
    if (leftOut > 0)
      say(`left out: ${leftOut} of ${file.assertionResults.length} tests in ${relativeName(file.name)}`)
  }
  if (fast) say(`left out on purpose (--fast): ${slowSuites.join(', ')}`)
  if (code !== 0 && failed === 0) {
    say(`the run itself failed with exit code ${code}: see above`)
    failed = 1
  }
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  return failed === 0 ? 0 : 1
}

/**
 * @param {string} report
 * @returns {{ name: string, status: string, assertionResults: { status: string }[] }[]}
 */
function readReport(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults
  } catch {
    return [] // vitest died before it could report; its exit code says so.
  }
}

/** @param {string} file */
function relativeName(file) {
  return file.startsWith(root) ? file.slice(root.length + 1) : file
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`)
}
