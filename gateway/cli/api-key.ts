import { parseDuration } from '#config/duration.ts'
import {
  type ApiKey,
  type ApiScope,
  apiKeyState,
  apiScopes,
  parseApiScope,
} from '../administration/api-key.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseId } from '../kernel/ids.ts'
import { byCommandLine, type Opened, withGateway } from './open.ts'
import { timesAsText } from './say.ts'
import { actorInWords } from './session.ts'
import { instant, printable } from './terminal.ts'
import { type Call, UsageError, type Verb } from './verb.ts'

const asJson = { json: { kind: 'yes', help: 'print JSON' } } as const

export const apiKeyVerbs: readonly Verb[] = [
  {
    name: 'api-key create',
    usage: '--name <name> --scope <scope>… [--expires <duration>] [--json]',
    summary: 'make a key for a program that uses /api/v1, and print it, once',
    flags: {
      name: { kind: 'text', value: 'name', help: 'which program holds it' },
      scope: {
        kind: 'texts',
        value: 'scope',
        help: `what it may do; repeat for more: ${apiScopes.join(', ')}`,
      },
      expires: {
        kind: 'text',
        value: 'duration',
        help: 'when it stops working, such as 90d (default: never)',
      },
      ...asJson,
    },
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, (gateway) => create(call, gateway)),
  },
  {
    name: 'api-key list',
    usage: '[--json]',
    summary: 'all API keys, the newest first, with when each was last used',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, (gateway) => list(call, gateway)),
  },
  {
    name: 'api-key revoke',
    usage: '<key>',
    summary: 'make a key open nothing any more, at once',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => revoke(call, gateway)),
  },
]

async function create(call: Call, gateway: Opened): Promise<void> {
  const name = call.flags.text('name')
  const texts = call.flags.texts('scope')
  if (name === undefined || texts.length === 0)
    throw new UsageError('Give it a --name and at least one --scope.')
  const expiresInMs = expiryFrom(call.flags.text('expires'))
  const { key, secret } = await gateway.commands.apiKeys.create(
    { name, scopes: texts.map(scopeFrom), ...(expiresInMs === undefined ? {} : { expiresInMs }) },
    byCommandLine,
  )
  if (call.flags.yes('json')) return call.terminal.json({ ...asRecord(key, gateway), secret })
  const until = key.expiresAt === undefined ? '' : `, until ${instant(key.expiresAt)}`
  call.terminal.line(`Created ${printable(key.name)} (${key.id}) for ${key.scopes.join(', ')}${until}.`)
  call.terminal.line(`Key, shown only now: ${secret}`)
}

async function list(call: Call, gateway: Opened): Promise<void> {
  const keys = await gateway.stores.apiKeys.list()
  if (call.flags.yes('json')) return call.terminal.json(keys.map((key) => asRecord(key, gateway)))
  call.terminal.table(
    ['KEY', 'NAME', 'STATE', 'SCOPES', 'CREATED', 'EXPIRES', 'LAST USED'],
    keys.map((key) => [
      key.id,
      key.name,
      apiKeyState(key, gateway.clock.now()),
      key.scopes.join(' '),
      `${instant(key.createdAt)} by ${actorInWords(key.createdBy)}`,
      instant(key.expiresAt),
      instant(key.lastUsedAt),
    ]),
  )
}

async function revoke(call: Call, gateway: Opened): Promise<void> {
  const [named = ''] = call.words
  const id = parseId('apiKey', named)
  if (id === undefined || (await gateway.stores.apiKeys.find(id)) === undefined) {
    throw new GatewayError(
      'api_key_not_found',
      `There is no API key ${printable(named)}. See: gatehouse api-key list`,
    )
  }
  await gateway.commands.apiKeys.revoke(id, byCommandLine)
  call.terminal.line(`Revoked ${id}.`)
}

function scopeFrom(text: string): ApiScope {
  const scope = parseApiScope(text)
  if (scope !== undefined) return scope
  throw new UsageError(`There is no scope ${printable(text)}. There are: ${apiScopes.join(', ')}.`)
}

function expiryFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms === undefined) throw new UsageError('--expires takes a duration such as 90d.')
  return ms
}

function asRecord(key: ApiKey, gateway: Opened): Record<string, unknown> {
  return { ...timesAsText(key), state: apiKeyState(key, gateway.clock.now()) }
}
