import { accessSync, constants, statSync } from 'node:fs'
import type { Understood } from './checks.ts'
import type { Finding } from './fill.ts'
import { absolutePath } from './resolve.ts'

/** Files that are needed only later: better refused now than at the first handshake or page. */
export function unreadableFiles({ tls, appearance }: Understood['settings'], folder: string): Finding[] {
  const named: [path: string[], file: string][] = []
  if (tls !== undefined)
    named.push([['tls', 'cert_file'], tls.cert_file], [['tls', 'key_file'], tls.key_file])
  if (appearance !== undefined && appearance.logo_file !== '') {
    named.push([['appearance', 'logo_file'], appearance.logo_file])
  }
  return named.flatMap(([path, file]) => {
    if (isReadableFile(absolutePath(folder, file))) return []
    return [{ path, found: JSON.stringify(file), expected: 'a readable file' }]
  })
}

function isReadableFile(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
