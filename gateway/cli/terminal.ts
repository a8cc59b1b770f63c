import { GatewayError } from '../kernel/errors.ts'

/** A secret is a line or two. */
const maxSecretBytes = 64 * 1024

/** Where a verb writes what it was asked for. Errors go to stderr, by `cli.ts` alone. */
export interface Terminal {
  line(text?: string): void
  json(value: unknown): void
  /** Columns as wide as their widest cell; the last one is as long as it likes. */
  table(heading: readonly string[], rows: readonly (readonly string[])[]): void
  /** All of standard input, which may be `maxBytes` long. */
  readInput(maxBytes: number): Promise<string>
  /** The same as one text without its last line break: how secrets come in, which arguments would show to others. */
  readSecret(): Promise<string>
}

export interface Streams {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: { write(text: string): unknown }
}

export function createTerminal({ stdin, stdout }: Streams): Terminal {
  const line = (of = ''): void => {
    stdout.write(`${of}\n`)
  }
  const readInput = async (maxBytes: number): Promise<string> => {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of stdin) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > maxBytes) throw new GatewayError('input_invalid', 'Too much came in on standard input.')
    }
    if (bytes === 0) throw new GatewayError('input_invalid', 'Nothing came in on standard input.')
    return Buffer.concat(chunks).toString()
  }
  return {
    line,
    readInput,
    json: (value) => line(JSON.stringify(value, undefined, 2)),
    table: (heading, rows) => {
      const all = [heading, ...rows]
      const widths = heading.map((_, column) => Math.max(...all.map((row) => width(row[column]))))
      for (const row of all) {
        line(
          row
            .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
            .join('  ')
            .trimEnd(),
        )
      }
    },
    readSecret: async () => {
      const secret = (await readInput(maxSecretBytes)).replace(/\r?\n$/, '')
      if (secret === '') throw new GatewayError('input_invalid', 'Nothing came in on standard input.')
      return secret
    },
  }
}

function width(cell: string | undefined): number {
  return printable(cell ?? '').length
}

/** Names come from people and User-Agents from browsers: nothing of them may steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\u{FFFD}')
}

/** `2026-03-02 09:00:00Z`, the same in every time zone. */
export function instant(at: number | undefined): string {
  return at === undefined ? '-' : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`
}
