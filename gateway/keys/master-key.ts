/**
 * The key that seals signing keys and server secrets at rest (DECISIONS 33): given by the operator, or a file in the data folder
 * that is made on the first run. Whoever has the database without it has no key.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { newSecret, type Random } from '../kernel/random.ts'

export const masterKeyFile = 'master.key'

export interface MasterKeyOptions {
  /** `keys.encryption_key`: any text with the strength of a key. */
  readonly configured?: string
  readonly dataDir: string
  readonly random: Random
  readonly log: Log
}

/** Shorter texts are no keys; a truncated file must not pass for one. */
const minLength = 32

/** The configured key, or the one in `data_dir/master.key`, which is made when there is none. */
export function loadMasterKey(options: MasterKeyOptions): KeyObject {
  if (options.configured !== undefined) return keyFrom(options.configured, 'keys.encryption_key')
  const file = join(options.dataDir, masterKeyFile)
  const text = readKeyFile(file) ?? makeKeyFile(file, options)
  warnWhenOthersMayRead(file, options.log)
  return keyFrom(text, file)
}

/** HKDF, so that any text of full entropy gives a key of exactly 256 bits that is used for nothing else. */
function keyFrom(text: string, where: string): KeyObject {
  const trimmed = text.trim()
  if (trimmed.length < minLength) {
    throw new GatewayError(
      'configuration_invalid',
      `The encryption key in ${where} is too short: it needs at least ${minLength} characters from a random source.`,
    )
  }
  return createSecretKey(Buffer.from(hkdfSync('sha256', trimmed, '', 'gatehouse master key', 32)))
}

function readKeyFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new GatewayError(
      'configuration_invalid',
      `The key file ${file} cannot be read: check its permissions.`,
      {
        cause: error,
      },
    )
  }
}

/**
 * Written aside, flushed, then linked into place: of two first runs at once one file wins, and a power cut leaves all of it or
 * nothing. Half a key would lose every key sealed under it.
 */
function makeKeyFile(file: string, { dataDir, random }: MasterKeyOptions): string {
  const aside = `${file}.${process.pid}`
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    rmSync(aside, { force: true })
    const descriptor = openSync(aside, 'wx', 0o600)
    writeSync(descriptor, `${newSecret(random)}\n`)
    fsyncSync(descriptor)
    closeSync(descriptor)
    linkUnlessThere(aside, file)
    rmSync(aside)
    flushFolder(dataDir)
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new GatewayError(
      'configuration_invalid',
      `The key file ${file} cannot be made: check the data folder.`,
      {
        cause: error,
      },
    )
  }
}

function linkUnlessThere(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function warnWhenOthersMayRead(file: string, log: Log): void {
  if ((statSync(file).mode & 0o077) !== 0) {
    log.warn('other users of this machine may read the key file; run chmod 600 on it', { file })
  }
}
