import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real file system of a few MB, which can be full. */
export interface SmallDisk extends Disposable {
  /** A folder on it. */
  readonly folder: string
  /** Takes all the space that is left. */
  fill(): void
  /** Gives it back. */
  free(): void
}

/** Only root may mount one, and not in every container. */
export const maySmallDisk = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    openSmallDisk(1)[Symbol.dispose]()
    return true
  } catch {
    return false
  }
})()

/** Mounts it. */
export function openSmallDisk(sizeMiB: number): SmallDisk {
  const mountPoint = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', mountPoint])
  if (mounted.status !== 0) {
    rmSync(mountPoint, { recursive: true })
    throw new Error(`mount failed: ${mounted.stderr?.toString()}`)
  }
  const folder = join(mountPoint, 'data')
  mkdirSync(folder)
  const filler = join(mountPoint, 'filler')
  return {
    folder,
    fill: () => {
      const file = openSync(filler, 'w')
      try {
        // Large pieces first, then the crumbs.
        for (const size of [64 * 1024, 4 * 1024, 1]) writeUntilFull(file, Buffer.alloc(size))
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => {
      spawnSync('umount', ['-l', mountPoint])
      rmSync(mountPoint, { recursive: true, force: true })
    },
  }
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error
  }
}
