import type { Log, LogFields } from '#gateway/kernel/log.ts'

/** For tests to which nothing that is logged matters. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export interface LoggedLine {
  readonly level: keyof Log
  readonly message: string
  readonly fields: LogFields
}

/** A log that remembers its lines. */
export function createMemoryLog(): { readonly log: Log; readonly lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = []
  const write =
    (level: keyof Log) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return {
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    lines,
  }
}
