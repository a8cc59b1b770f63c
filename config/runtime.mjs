// Which Node runs the program. Plain JavaScript without dependencies: it must run on an old Node before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The first line of Node that runs this TypeScript as it stands. */
export const neededMajor = 24

/** The lowest Node with which npm can install everything. */
export const installingMajor = 20

/**
 * The Node to run the program with: the one that package-lock.json pins for this platform, else this one when it is new enough.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
export function findRuntime(root) {
  const pinned = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(pinned) && majorOf(versionOf(pinned)) >= neededMajor) return pinned
  return majorOf(process.version) >= neededMajor ? process.execPath : undefined
}

/** What to do where no runtime was found, in one line. */
export function noRuntimeMessage() {
  return (
    `Gatehouse needs Node ${neededMajor} or newer. This is ${process.version}, and none is pinned for ` +
    `${process.platform}-${process.arch}: install Node ${neededMajor} from https://nodejs.org and start again.`
  )
}

/** @param {string} version such as v24.1.0 */
function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0)
}

/** @param {string} executable */
function versionOf(executable) {
  // A binary for another platform fails here, which is all that is asked of it. It answers at once or never.
  return spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 10_000 }).stdout ?? ''
}
