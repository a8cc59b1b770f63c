import { closeSync, openSync, readSync } from 'node:fs'

export type FileText =
  | { readonly kind: 'read'; readonly text: string }
  /** `reason` ends a sentence that began with "cannot be read:". */
  | { readonly kind: 'unreadable'; readonly reason: string; readonly missing: boolean }

/** The text of a file of at most `maxBytes`. Reads no further than that, whatever the file claims to be. */
export function readBoundedFile(file: string, maxBytes: number): FileText {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length <= maxBytes) {
      const read = readSync(descriptor, buffer, length, maxBytes + 1 - length, null)
      if (read === 0) break
      length += read
    }
    if (length > maxBytes) return unreadable(`it is larger than ${maxBytes} bytes`)
    return {
      kind: 'read',
      text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)),
    }
  } catch (error) {
    return unreadable(reasonOf(error), error instanceof Error && 'code' in error && error.code === 'ENOENT')
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function unreadable(reason: string, missing = false): FileText {
  return { kind: 'unreadable', reason, missing }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  switch ('code' in error ? error.code : undefined) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'access is denied'
    case 'EISDIR':
      return 'it is a folder'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text'
    default:
      return error.message
  }
}
