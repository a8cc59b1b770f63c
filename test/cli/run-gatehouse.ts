import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'gateway', 'cli.ts')

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface CommandLine extends Disposable {
  readonly folder: string
  /** Runs `gatehouse` with these words in the folder, as an operator would. */
  gatehouse(...words: readonly string[]): Promise<Ran>
  gatehouseWithInput(input: string, ...words: readonly string[]): Promise<Ran>
}

/** A shell in a folder of its own, or in one that is there. */
export function openCommandLine(folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))): CommandLine {
  const run = async (input: string, words: readonly string[]): Promise<Ran> => {
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, [program, ...words], { cwd: folder, env: { PATH } })
    child.stdin.end(input)
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    return { code: code as number | null, out, err }
  }
  return {
    folder,
    gatehouse: (...words) => run('', words),
    gatehouseWithInput: (input, ...words) => run(input, words),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What `--json` printed. */
export function parsed<Shape>({ out }: Ran): Shape {
  return JSON.parse(out) as Shape
}
