import { type ErrorCode, GatewayError } from '#gateway/kernel/errors.ts'

/** Hears of each time a store could not answer or keep something. */
export type OnStoreFailure = (code: ErrorCode) => void

/**
 * What SQLite's failures mean to the gateway. A store that cannot answer is an error with a remedy, never "not found";
 * constraint violations stay what they are, because the store that caused one knows what it means.
 */
export function translateSqliteError(error: unknown, onFailure?: OnStoreFailure): unknown {
  const translated = translate(error)
  // What has been translated before was counted then.
  if (translated !== error && translated instanceof GatewayError) onFailure?.(translated.code)
  return translated
}

function translate(error: unknown): unknown {
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
    return storeUnavailable(error)
  }
  return error
}

/** A database that another process holds, or that cannot be read or written just now. */
export function storeUnavailable(cause?: unknown): GatewayError {
  return new GatewayError(
    'store_unavailable',
    'The database cannot answer right now. Nothing was lost; try again.',
    { retryAfterSeconds: 5, ...(cause === undefined ? {} : { cause }) },
  )
}

/**
 * Why a file could not be opened, for the person at the terminal: which file, what is wrong with it, and what to do. Other failures
 * are given back as they are.
 */
export function explainOpenError(
  file: string,
  error: unknown,
  whenDamaged = 'Restore it from a backup.',
): unknown {
  const code = codeOf(error)
  const explain = (words: string): GatewayError =>
    new GatewayError('store_unavailable', words, { cause: error })
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return explain(`${file} is damaged, or it is not a database of the gateway. ${whenDamaged}`)
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return explain(`The disk of ${file} is full. Free some space, then start again.`)
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return explain(`${file} is held by another process. Stop what uses it, then start again.`)
  }
  if (/^(SQLITE_(CANTOPEN|READONLY|IOERR|PERM)|EACCES|EPERM|EROFS|EEXIST|ENOTDIR)/.test(code)) {
    return explain(`${file} cannot be opened. This user must be able to write to it and to its folder.`)
  }
  return error
}

/** The code of the first failure in the chain that has one which is not ours. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const own = error instanceof GatewayError || !('code' in error) ? '' : String(error.code)
  return own === '' ? codeOf(error.cause) : own
}
