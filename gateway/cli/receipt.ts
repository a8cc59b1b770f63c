import { closeSync, openSync, writeSync } from 'node:fs'
import { readBoundedFile } from '#config/bounded-file.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseId } from '../kernel/ids.ts'
import { type VerificationKeys, verifyJwt } from '../keys/verify-jwt.ts'
import { maxReceiptLength, type Receipt, readReceipt, receiptType } from '../logout/receipt.ts'
import { type Opened, withGateway } from './open.ts'
import { counted, sayFields } from './say.ts'
import { printable, type Terminal } from './terminal.ts'
import type { Call, Verb } from './verb.ts'

/** Key sets hold a dozen keys; whoever saved theirs over years has some hundreds. */
const maxKeysBytes = 1024 * 1024

export const receiptVerbs: readonly Verb[] = [
  {
    name: 'logout receipt',
    usage: '<logout> [--lines <file>]',
    summary: 'print a signed receipt of a settled Logout, which anybody can verify without this gateway',
    flags: {
      lines: { kind: 'text', value: 'file', help: 'write each delivery to this new file as a line of JSON' },
    },
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => receipt(call, gateway)),
  },
  {
    name: 'logout verify',
    usage: '[<file>] [--keys <jwks.json>] [--json]',
    summary: 'verify a receipt, from a file or standard input, and say what it proves',
    flags: {
      keys: {
        kind: 'text',
        value: 'file',
        help: 'a saved key set (default: the keys of this gateway, retired ones too)',
      },
      json: { kind: 'yes', help: 'print what it says as JSON' },
    },
    words: { min: 0, max: 1 },
    run: verify,
  },
]

async function receipt(call: Call, gateway: Opened): Promise<void> {
  const [named = ''] = call.words
  const id = parseId('logout', named)
  const lines = call.flags.text('lines')
  const made =
    id === undefined ? undefined : await writingLines(lines, (onLine) => gateway.receipts.of(id, onLine))
  if (made === undefined)
    throw new GatewayError(
      'logout_not_found',
      `There is no logout ${printable(named)}. See: gatehouse logout list`,
    )
  if (made.kind === 'unsettled')
    throw new GatewayError(
      'logout_unsettled',
      `An app is still to be told of it, so there is nothing final to sign. See: gatehouse logout show ${named}`,
    )
  call.terminal.line(made.jws)
}

async function writingLines<Result>(
  file: string | undefined,
  work: (onLine?: (line: string) => void) => Promise<Result>,
): Promise<Result> {
  if (file === undefined) return work()
  let descriptor: number
  try {
    // Never over one that is there: it may be the only copy of what an older receipt has digested.
    descriptor = openSync(file, 'wx', 0o600)
  } catch (cause) {
    throw new GatewayError('input_invalid', `${printable(file)} cannot be made: it must be a new file.`, {
      cause,
    })
  }
  try {
    return await work((line) => void writeSync(descriptor, `${line}\n`))
  } finally {
    closeSync(descriptor)
  }
}

async function verify(call: Call): Promise<void> {
  const { flags, terminal, words } = call
  const token = (
    words[0] === undefined ? await terminal.readInput(maxReceiptLength) : read(words[0], maxReceiptLength)
  ).trim()
  const keysFile = flags.text('keys')
  const keys = keysFile === undefined ? await ownKeys(call) : keysIn(read(keysFile, maxKeysBytes))
  const verdict = verifyJwt(token, { typ: receiptType, keys, maxLength: maxReceiptLength })
  if (verdict.kind === 'invalid')
    throw new GatewayError('receipt_invalid', `This is no valid receipt. ${verdict.why}`)
  const said = readReceipt(verdict.payload)
  if (said === undefined)
    throw new GatewayError(
      'receipt_invalid',
      'It is signed, but by a version whose receipts this one cannot read.',
    )
  if (flags.yes('json')) return terminal.json(said)
  say(terminal, said, verdict.keyId)
}

async function ownKeys(call: Call): Promise<VerificationKeys> {
  let keys: VerificationKeys = []
  await withGateway(call, async (gateway) => {
    keys = gateway.keys.published().map((key) => ({ ...key }))
  })
  return keys
}

function read(file: string, maxBytes: number): string {
  const found = readBoundedFile(file, maxBytes)
  if (found.kind === 'read') return found.text
  throw new GatewayError('input_invalid', `${printable(file)} cannot be read: ${found.reason}.`)
}

function keysIn(text: string): VerificationKeys {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown }
    if (Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null)) return keys
  } catch {
    // Said below.
  }
  throw new GatewayError('input_invalid', 'The file of --keys is no key set (RFC 7517: {"keys": […]}).')
}

function say(terminal: Terminal, receipt: Receipt, keyId: string): void {
  const { logout } = receipt
  terminal.line(`Valid: ${printable(receipt.iss)} has signed this, and nobody has changed it since.`)
  sayFields(terminal, [
    ['signed', `${moment(new Date(receipt.iat * 1_000).toISOString())}, with the key ${printable(keyId)}`],
    ['logout', printable(logout.id)],
    ['cause', logout.cause],
    ['by', printable(logout.actor)],
    ['account', logout.account_id === undefined ? undefined : printable(logout.account_id)],
    ['started', moment(logout.started_at)],
    ['settled', moment(logout.settled_at)],
    ['sessions', `${logout.sso_sessions} at the gateway, ${logout.app_sessions} at apps`],
    [
      'not told',
      logout.not_wanted === 0
        ? undefined
        : `${logout.not_wanted}, whose app does not want to hear of this cause`,
    ],
  ])
  if (receipt.apps.length > 0) terminal.line()
  for (const { app, state, count } of receipt.apps)
    terminal.line(`${printable(app)}: ${count} ${printable(state.replaceAll('-', ' '))}`)
  terminal.line()
  terminal.line(
    'It proves that the gateway had these on record when it signed. Confirmed means that the app answered 200 or 204',
  )
  terminal.line(
    "to a signed logout token; what the app then did with its own session is the app's word. Sent means that a",
  )
  terminal.line('browser loaded a page of the app, and proves nothing of its session.')
  if (receipt.lines_sha256 !== undefined) {
    terminal.line(
      `Its ${counted(logout.deliveries, 'delivery', 'deliveries')} are not in it. Their lines have the SHA-256 ${receipt.lines_sha256}.`,
    )
  }
}

function moment(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')}Z`
}
