// Installs what is missing. Plain JavaScript without dependencies: it must run on an old Node before anything is installed.
//
// Owns: deciding whether node_modules holds what package-lock.json asks for, and one `npm ci` at a time.
// Never: runs a package's install script (nothing here needs one), or writes to stdout (a caller may be printing JSON there).
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withInstallLock } from './install-lock.mjs'
import { findRuntime, installingMajor, neededMajor, noRuntimeMessage } from './runtime.mjs'

/** The repository, or the folder of the package. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** How often a long installation says that it is alive. */
const progressEveryMs = 5_000

/** Lines of npm's own words that are shown when it fails; the rest is in npm's log. */
const shownLines = 30

/**
 * Makes node_modules fit package-lock.json and answers with the Node that runs the program.
 * Exits with a message where that cannot be done.
 *
 * @param {{ development?: boolean }} options development: packages for tests are needed, too
 * @returns {Promise<string>}
 */
export async function prepare({ development = false } = {}) {
  if (whatIsMissing(development) !== undefined) {
    await withInstallLock(root, say, async () => {
      // Whoever held the lock before may have installed it all.
      const missing = whatIsMissing(development)
      if (missing !== undefined) await install(missing)
    })
  }
  const runtime = findRuntime(root)
  if (runtime === undefined) fail(noRuntimeMessage())
  return runtime
}

/**
 * Why an installation is needed; undefined when it is not. Compares contents, since a checkout changes times at will.
 *
 * @param {boolean} development
 * @returns {string | undefined}
 */
function whatIsMissing(development) {
  const wanted = readLock(join(root, 'package-lock.json'))
  if (wanted === undefined) return undefined // An unpacked package without a lock file was installed by whoever unpacked it.
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return 'first start'
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || (entry.dev === true && !development)) continue
    const present = installed[path]
    // Optional packages are mostly for other platforms.
    if (present === undefined && entry.optional !== true && entry.devOptional !== true)
      return `${nameOf(path)} is missing`
    if (
      present !== undefined &&
      (present.version !== entry.version || present.integrity !== entry.integrity)
    ) {
      return `${nameOf(path)} changed`
    }
  }
  const pin = `node_modules/node-${process.platform}-${process.arch}`
  const lacksPin = wanted[pin] !== undefined && installed[pin] === undefined
  return lacksPin && findRuntime(root) === undefined ? `Node ${neededMajor} is missing` : undefined
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }> | undefined}
 */
function readLock(file) {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined // Half-written by an installation that was killed: as good as absent.
  }
}

/** @param {string} path */
function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

/** @param {string} reason */
async function install(reason) {
  const major = Number(process.versions.node.split('.')[0])
  if (major < installingMajor) {
    fail(`Installing needs Node ${installingMajor} or newer; this is ${process.version}.`)
  }
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 1_000)
  say(`Installing packages (${reason}); this takes about 20 seconds …`)
  const alive = setInterval(() => say(`still installing (${seconds()} s) …`), progressEveryMs)
  const { code, output } = await runNpmCi()
  clearInterval(alive)
  if (code !== 0) {
    process.stderr.write(`${output.trimEnd().split('\n').slice(-shownLines).join('\n')}\n`)
    fail(
      'npm could not install the packages (its words are above). Is the registry reachable? Then start again.',
    )
  }
  say(`installed in ${seconds()} s.`)
}

/** @returns {Promise<{ code: number, output: string }>} */
function runNpmCi() {
  const options = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const [command, before] = npmCommand(process.env)
  return new Promise((resolve) => {
    const child = spawn(command, [...before, ...options], {
      cwd: root,
      env: { ...process.env, PATH: pathWithoutOurs() },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && before.length === 0,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        // Only the end is ever shown.
        output = (output + text).slice(-65_536)
      })
    }
    child.on('error', (error) => resolve({ code: 1, output: `${output}\n${error.message}` }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/**
 * The npm that started us, with the Node that runs it: the pinned Node is among what is about to be replaced.
 *
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {[command: string, options: string[]]}
 */
function npmCommand({ npm_execpath: started, npm_node_execpath: node }) {
  // npx names itself here, and other package managers do, too; those are not asked to do npm's work.
  if (started === undefined || !['npm-cli.js', 'npx-cli.js'].includes(basename(started))) return ['npm', []]
  return [node ?? process.execPath, [join(dirname(started), 'npm-cli.js')]]
}

function pathWithoutOurs() {
  const ours = join(root, 'node_modules') + sep
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(ours))
    .join(delimiter)
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`gatehouse: ${text}\n`)
}

/**
 * @param {string} text
 * @returns {never}
 */
function fail(text) {
  say(text)
  process.exit(1)
}

/** @returns {boolean} whether this file was started, not imported */
function isStarted() {
  const started = process.argv[1]
  return started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)
}

if (isStarted()) await prepare({ development: process.argv.includes('--dev') })
