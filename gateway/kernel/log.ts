export type LogFields = Readonly<Record<string, unknown>>

/** Structured log of operation, one JSON object a line on stderr. Secrets never go in: neither as fields nor in text. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
