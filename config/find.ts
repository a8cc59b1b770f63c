import { dirname, relative, resolve } from 'node:path'
import { readBoundedFile } from './bounded-file.ts'
import type { Environment } from './environment.ts'
import { parseYamlFile, type YamlReading } from './yaml-file.ts'

export interface LoadOptions {
  /** From `--config`; else GATEHOUSE_CONFIG, else ./gatehouse.yaml, else the defaults. */
  readonly file?: string | undefined
  readonly environment: Environment
  readonly workingDirectory: string
}

export interface FoundFile {
  /** Absolute; absent when the defaults serve. */
  readonly file: string | undefined
  /** What relative paths are relative to: the file's folder, else the working directory. */
  readonly folder: string
  /** The file as messages name it: as short as it can be from where the operator stands. */
  readonly shown: string
  readonly reading: YamlReading
}

/** Room for thousands of apps; anything larger was named by mistake. */
const maxFileBytes = 4 * 1_048_576

/** The configuration file, read. One that somebody named must be there; `./gatehouse.yaml` may be absent. */
export function findFile({ file, environment, workingDirectory }: LoadOptions): FoundFile {
  // An empty variable is how compose files say "not set".
  const named = file ?? (environment['GATEHOUSE_CONFIG'] || undefined)
  const path = resolve(workingDirectory, named ?? 'gatehouse.yaml')
  const near = relative(workingDirectory, path)
  const shown = near.startsWith('..') ? path : near
  const found = { file: path, folder: dirname(path), shown }
  const content = readBoundedFile(path, maxFileBytes)
  if (content.kind === 'read') return { ...found, reading: parseYamlFile(content.text, shown) }
  if (content.missing && named === undefined) {
    const folder = resolve(workingDirectory)
    return { file: undefined, folder, shown: 'defaults', reading: parseYamlFile('', 'defaults') }
  }
  const message = `cannot be read: ${content.reason}`
  const problem = {
    path: '(file)',
    origin: shown,
    found: content.reason,
    expected: 'a readable file',
    message,
  }
  return { ...found, reading: { kind: 'malformed', problems: [problem] } }
}
