// One installation at a time in one folder: two `npm ci` at once delete each other's files.
import { createHash } from 'node:crypto'
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Longer than any installation takes; whoever waits this long is told instead of waiting on. */
const patienceMs = 10 * 60_000
const askAgainMs = 250

/**
 * Runs `work` while no other process installs in `root`.
 * The lock names its process, so one that was killed leaves nothing that has to be cleaned up by hand.
 *
 * @template Result
 * @param {string} root
 * @param {(text: string) => void} say
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withInstallLock(root, say, work) {
  // Not inside node_modules, which npm empties, nor in the folder, where git would show it.
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const file = join(tmpdir(), `gatehouse-install-${process.getuid?.() ?? 'user'}-${name}.lock`)
  const waitingSince = performance.now()
  let told = false
  while (!tryLock(file)) {
    if (!told) say('another process is installing here; waiting for it …')
    told = true
    if (performance.now() - waitingSince > patienceMs) {
      throw new Error(`Another process has been installing for 10 minutes. If none is, delete ${file}.`)
    }
    await pause(askAgainMs)
  }
  // A failure exits without coming back here.
  const unlock = () => unlinkIfOurs(file)
  process.once('exit', unlock)
  try {
    return await work()
  } finally {
    process.off('exit', unlock)
    unlock()
  }
}

/** @param {string} file */
function tryLock(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const holder = readHolder(file)
  if (holder === undefined || isAlive(holder)) return false
  // Left by a process that was killed. The next round takes it, or whoever is faster.
  if (readHolder(file) === holder) unlinkQuietly(file)
  return false
}

/** @param {string} file */
function readHolder(file) {
  try {
    const holder = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(holder) && holder > 0 ? holder : undefined
  } catch {
    return undefined
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** @param {string} file */
function unlinkIfOurs(file) {
  if (readHolder(file) === process.pid) unlinkQuietly(file)
}

/** @param {string} file */
function unlinkQuietly(file) {
  try {
    unlinkSync(file)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}
