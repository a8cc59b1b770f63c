import { GatewayError } from '#gateway/kernel/errors.ts'

/**
 * What SQLite's failures mean to the gateway. A store that cannot answer is an error with a remedy, never "not found";
 * constraint violations stay what they are, because the store that caused one knows what it means.
 */
export function translateSqliteError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (code.startsWith('SQLITE_CONSTRAINT')) return error
  if (code === 'SQLITE_FULL') {
    return new GatewayError(
      'store_full',
      'The disk is full: nothing was saved. Free some space, then try again.',
      {
        cause: error,
        retryAfterSeconds: 10,
      },
    )
  }
  if (/^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|CORRUPT|NOTADB|PROTOCOL|NOMEM)/.test(code)) {
    return new GatewayError(
      'store_unavailable',
      'The database cannot answer right now. Nothing was lost; try again.',
      {
        cause: error,
        retryAfterSeconds: 5,
      },
    )
  }
  return error
}
