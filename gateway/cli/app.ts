import type { App } from '../apps/app.ts'
import { readMetadata } from '../apps/read-metadata.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAppId } from '../kernel/ids.ts'
import type { AppHealth } from '../logout/health-report.ts'
import { changeLogout, logoutFields, logoutFlags, logoutFrom, offlineFrom, toldAt } from './app-logout.ts'
import { healthAsRecord, healthInWords } from './health-words.ts'
import { byCommandLine, type Opened, withGateway } from './open.ts'
import { sayFields, settleAndSay, timesAsText } from './say.ts'
import { instant, printable } from './terminal.ts'
import { type Call, UsageError, type Verb } from './verb.ts'

const asJson = { json: { kind: 'yes', help: 'print JSON' } } as const

export const appVerbs: readonly Verb[] = [
  {
    name: 'app list',
    usage: '[--json]',
    summary: 'all apps, by name',
    flags: asJson,
    words: { min: 0, max: 0 },
    run: (call) => withGateway(call, async (gateway) => list(call, gateway)),
  },
  {
    name: 'app show',
    usage: '<app> [--json]',
    summary: 'one app with its client metadata',
    flags: asJson,
    words: { min: 1, max: 1 },
    run: (call) => onApp(call, (gateway, app) => show(call, gateway, app)),
  },
  {
    name: 'app add',
    usage: '<id> --redirect-uri <url>… [options]',
    summary: 'register an app and print its client secret, once',
    flags: {
      name: { kind: 'text', value: 'name', help: 'what people call it (default: its id)' },
      'redirect-uri': { kind: 'texts', value: 'url', help: 'where it takes its answers; repeat for more' },
      'post-logout-redirect-uri': {
        kind: 'texts',
        value: 'url',
        help: 'where people may land after they signed out',
      },
      ...logoutFlags,
      'launch-url': { kind: 'text', value: 'url', help: 'where its tile on the home page leads' },
      group: { kind: 'texts', value: 'group', help: 'who may use it (default: everyone); repeat for more' },
      scope: { kind: 'text', value: 'scopes', help: 'what it may ask for (default: everything there is)' },
      'auth-method': {
        kind: 'text',
        value: 'method',
        help: 'token_endpoint_auth_method (default: client_secret_basic)',
      },
      'jwks-uri': { kind: 'text', value: 'url', help: 'where it publishes its keys, for private_key_jwt' },
      'signing-alg': { kind: 'text', value: 'alg', help: 'of its ID tokens: ES256 (default) or RS256' },
      public: { kind: 'yes', help: 'it cannot keep a secret: a native or browser app' },
      native: { kind: 'yes', help: 'it may use a scheme of its own' },
      refresh: { kind: 'yes', help: 'it gets refresh tokens' },
      'first-party': { kind: 'yes', help: 'no consent page' },
      'secret-stdin': {
        kind: 'yes',
        help: 'read the client secret from standard input instead of making one',
      },
      ...asJson,
    },
    words: { min: 1, max: 1 },
    run: (call) => withGateway(call, (gateway) => add(call, gateway)),
  },
  {
    name: 'app change',
    usage: '<app> [options]',
    summary: 'change how it takes part in sign-out: only what is named',
    flags: logoutFlags,
    words: { min: 1, max: 1 },
    run: (call) => onApp(call, (gateway, app) => changeLogout(call, gateway, app)),
  },
  {
    name: 'app rotate-secret',
    usage: '<app>',
    summary: 'make a new client secret and print it, once; the old one stops working at once',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onApp(call, async (gateway, app) => {
        const { secret } = await gateway.commands.apps.rotateSecret(app.id, byCommandLine)
        call.terminal.line(`Client secret of ${app.id}, shown only now: ${secret}`)
      }),
  },
  {
    name: 'app disable',
    usage: '<app>',
    summary: 'end its sessions and let nobody into it',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onApp(call, async (gateway, app) => {
        const ended = await gateway.commands.apps.disable(app.id, byCommandLine)
        call.terminal.line(`Disabled ${app.id}.`)
        await settleAndSay(call.terminal, gateway, ended)
      }),
  },
  {
    name: 'app enable',
    usage: '<app>',
    summary: 'let people into it again',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onApp(call, async (gateway, app) => {
        await gateway.commands.apps.enable(app.id, byCommandLine)
        call.terminal.line(`Enabled ${app.id}.`)
      }),
  },
  {
    name: 'app remove',
    usage: '<app>',
    summary: 'end its sessions and forget it',
    flags: {},
    words: { min: 1, max: 1 },
    run: (call) =>
      onApp(call, async (gateway, app) => {
        const ended = await gateway.commands.apps.remove(app.id, byCommandLine)
        call.terminal.line(`Removed ${app.id}.`)
        await settleAndSay(call.terminal, gateway, ended)
      }),
  },
]

async function list(call: Call, gateway: Opened): Promise<void> {
  const apps = gateway.apps.list()
  const health = new Map((await gateway.appHealth.list()).map((of) => [of.appId, of]))
  if (call.flags.yes('json')) {
    call.terminal.json(apps.map((app) => asRecord(app, health.get(app.id))))
    return
  }
  call.terminal.table(
    ['ID', 'NAME', 'STATE', 'ACCESS', 'TOLD OF SIGN-OUTS AT', 'HEALTH'],
    apps.map((app) => [
      app.id,
      app.name,
      stateOf(app),
      accessOf(app),
      toldAt(app),
      healthInWords(health.get(app.id)),
    ]),
  )
}

async function show(call: Call, gateway: Opened, app: App): Promise<void> {
  const health = (await gateway.appHealth.list()).find(({ appId }) => appId === app.id)
  if (call.flags.yes('json')) {
    call.terminal.json(asRecord(app, health))
    return
  }
  sayFields(call.terminal, [
    ['id', app.id],
    ['name', printable(app.name)],
    ['state', stateOf(app)],
    ['access', accessOf(app)],
    ['health', healthInWords(health)],
    ['launch_url', app.launchUrl],
    ['first_party', String(app.firstParty)],
    ['offline', app.offline ?? 'ends-with-session'],
    ...logoutFields(app),
    ['created', instant(app.createdAt)],
    ['changed', instant(app.updatedAt)],
    ['client_id', app.oidc.clientId],
    ['client_secret', app.oidc.secretHash === undefined ? '-' : '(stored as a hash)'],
    ...Object.entries(app.oidc.metadata).map(
      ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
    ),
  ])
}

async function add(call: Call, gateway: Opened): Promise<void> {
  const [id = ''] = call.words
  const { flags } = call
  const groups = flags.texts('group')
  const launchUrl = flags.text('launch-url')
  const chosen = flags.yes('secret-stdin') ? await call.terminal.readSecret() : undefined
  const { app, secret } = await gateway.commands.apps.add(
    {
      id,
      name: flags.text('name') ?? id,
      ...(launchUrl === undefined ? {} : { launchUrl }),
      firstParty: flags.yes('first-party'),
      access: groups.length === 0 ? { kind: 'everyone' } : { kind: 'groups', groups },
      sessions: {},
      logout: logoutFrom(flags),
      ...offlineFrom(flags),
      oidc: { ...(chosen === undefined ? {} : { secret: chosen }), metadata: metadataFrom(call) },
    },
    byCommandLine,
  )
  if (flags.yes('json')) {
    return call.terminal.json({
      ...withoutSecret(app),
      ...(secret === undefined ? {} : { client_secret: secret }),
    })
  }
  call.terminal.line(`Added ${app.id}.`)
  sayFields(call.terminal, [
    ['issuer', gateway.config.issuer],
    ['client_id', app.oidc.clientId],
    ['client_secret', secret === undefined ? undefined : `${secret}   (shown only now)`],
    ['id_token_signed_response_alg', app.oidc.metadata.id_token_signed_response_alg],
  ])
  const { metadata } = app.oidc
  if (metadata.backchannel_logout_uri === undefined) {
    call.terminal.line(
      metadata.frontchannel_logout_uri === undefined
        ? 'Without --backchannel-logout-uri it cannot be told when a session ends.'
        : 'Without --backchannel-logout-uri it is told only where a browser is there, and cannot confirm it.',
    )
  }
}

/** What is silent in metadata means RS256; new apps are told to use ES256, which is smaller and faster (DECISIONS 15). */
function metadataFrom(call: Call) {
  const { flags } = call
  if (flags.texts('redirect-uri').length === 0)
    throw new UsageError('app add needs at least one --redirect-uri.')
  const method = flags.yes('public') ? 'none' : flags.text('auth-method')
  const given = {
    redirect_uris: flags.texts('redirect-uri'),
    post_logout_redirect_uris: flags.texts('post-logout-redirect-uri'),
    backchannel_logout_uri: flags.text('backchannel-logout-uri'),
    frontchannel_logout_uri: flags.text('frontchannel-logout-uri'),
    frontchannel_logout_session_required:
      flags.text('frontchannel-logout-uri') === undefined ? undefined : true,
    backchannel_logout_session_required:
      flags.text('backchannel-logout-uri') === undefined ? undefined : true,
    grant_types: flags.yes('refresh') ? ['authorization_code', 'refresh_token'] : undefined,
    token_endpoint_auth_method: method,
    id_token_signed_response_alg: flags.text('signing-alg') ?? 'ES256',
    application_type: flags.yes('native') ? 'native' : undefined,
    scope: flags.text('scope'),
    jwks_uri: flags.text('jwks-uri'),
  }
  const read = readMetadata(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  )
  if (read.kind === 'read') return read.metadata
  const problems = read.problems.map(({ field, problem }) => `${field} ${problem}`)
  throw new GatewayError('app_invalid', `The app cannot be registered: ${problems.join('; ')}.`)
}

function onApp(call: Call, work: (gateway: Opened, app: App) => Promise<void>): Promise<void> {
  return withGateway(call, async (gateway) => work(gateway, findApp(gateway, call.words[0] ?? '')))
}

export function findApp(gateway: Opened, named: string): App {
  const id = parseAppId(named)
  const app = id === undefined ? undefined : gateway.apps.find(id)
  if (app !== undefined && app.removedAt === undefined) return app
  throw new GatewayError('app_not_found', `There is no app ${printable(named)}. See: gatehouse app list`)
}

function stateOf(app: App): string {
  return app.state + (app.fileOwned ? ' (file)' : '')
}

function accessOf(app: App): string {
  return app.access.kind === 'everyone' ? 'everyone' : app.access.groups.join(', ')
}

function asRecord(app: App, health: AppHealth | undefined): Record<string, unknown> {
  return { ...withoutSecret(app), ...(health === undefined ? {} : { health: healthAsRecord(health) }) }
}

/** Not even the hash leaves the gateway. */
function withoutSecret(app: App): Record<string, unknown> {
  const { secretHash: _, ...oidc } = app.oidc
  return timesAsText({ ...app, oidc })
}
