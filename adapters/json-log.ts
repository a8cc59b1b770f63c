/**
 * The log of operation: one JSON object a line on stderr.
 *
 * Owns: making anything that is handed to it safe to write. Never: throws, or writes what a field's name says is secret.
 */
import { type DestinationStream, destination, pino } from 'pino'
import type { Log, LogFields } from '#gateway/kernel/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface JsonLogOptions {
  readonly level: LogLevel
  /** Where the lines go; stderr unless a test wants to read them. */
  readonly stream?: DestinationStream
}

/** Names of fields that hold secrets somewhere in the gateway or its engines; compared without case, `_` and `-`. */
const secretName =
  /password|passphrase|secret|cookie|authorization|(access|refresh|id|logout|csrf|bearer)token|^token$|assertion|privatekey|masterkey|verifier|^code$|^d$|^jwt$|link$/
/** A log line is read by people: what lies deeper or is longer than this helps nobody and may be an attacker's. */
const maxDepth = 5
const maxEntries = 50
const maxText = 4_096
/** Some thousand lines: enough for a reader that pauses, nothing to fear when it never comes back. */
const maxBuffered = 1_048_576

export function createJsonLog(options: JsonLogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"at":"${new Date(Date.now()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    options.stream ?? standardError(),
  )
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (!logger.isLevelEnabled(level)) return
      try {
        logger[level](safeFields(fields), cut(message))
      } catch {
        // A log that cannot be written must not break what it tells of; there is nowhere left to say so.
      }
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/**
 * Never waits: whoever reads stderr may stall, and the gateway must not stall with them. What does not fit the buffer is dropped;
 * what is in it is written when the process exits. A reader that went away is ignored.
 */
function standardError(): DestinationStream {
  const stream = destination({ dest: 2, sync: false, maxLength: maxBuffered })
  stream.on('error', () => {})
  return stream
}

/** A copy that holds nothing but plain, bounded JSON without secrets. `level`, `at` and `message` stay the log's own. */
function safeFields(fields: LogFields): Record<string, unknown> {
  const { level, at, message, ...rest } = safeEntries(Object.entries(fields), 0)
  return {
    ...rest,
    ...(level === undefined ? {} : { level_: level }),
    ...(at === undefined ? {} : { at_: at }),
    ...(message === undefined ? {} : { message_: message }),
  }
}

function safeEntries(
  entries: readonly (readonly [string, unknown])[],
  depth: number,
): Record<string, unknown> {
  return Object.fromEntries(
    entries
      .slice(0, maxEntries)
      .map(([name, value]) => [name, isSecretName(name) ? '[hidden]' : safeValue(value, depth)]),
  )
}

function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replaceAll(/[-_]/g, ''))
}

function safeValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return cut(value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    case 'bigint':
    case 'symbol':
      return String(value)
    case 'function':
      return '[function]'
    case 'object':
      return value === null ? null : safeObject(value, depth)
  }
}

function safeObject(value: object, depth: number): unknown {
  if (depth >= maxDepth) return '[deeper]'
  if (value instanceof Error) return safeError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[no date]' : value.toISOString()
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((item) => safeValue(item, depth + 1))
  return safeEntries(Object.entries(value), depth + 1)
}

/** Errors of libraries may carry requests and secrets as fields of their own: only what every error has is written. */
function safeError(error: Error, depth: number): Record<string, unknown> {
  return {
    name: error.name,
    message: cut(error.message),
    ...('code' in error ? { code: safeValue(error.code, maxDepth) } : {}),
    ...(error.stack === undefined ? {} : { stack: cut(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: safeValue(error.cause, depth + 1) }),
  }
}

function cut(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText)}…`
}
