import { resolve as resolvePath } from 'node:path'
import { parseDuration } from './duration.ts'
import { isLoopbackHost, parseNetwork } from './networks.ts'
import type { SettingPath } from './path.ts'
import type {
  DeclaredAccount,
  DeclaredApp,
  DeclaredAt,
  GatehouseConfig,
  OidcClientMetadata,
} from './resolved.ts'
import type { Settings } from './schema.ts'
import type { AccountSettings } from './schema-accounts.ts'
import type { AppSettings } from './schema-apps.ts'

export interface ResolveContext {
  /** What relative paths are relative to. */
  readonly folder: string
  readonly declaredAt: (path: SettingPath) => DeclaredAt
}

const sqlitePrefix = 'sqlite:'

/** An absolute path; `sqlite:` in front of it stays. */
export function absolutePath(folder: string, written: string): string {
  return written.startsWith(sqlitePrefix)
    ? sqlitePrefix + resolvePath(folder, written.slice(sqlitePrefix.length))
    : resolvePath(folder, written)
}

/** The default follows data_dir: a container that moves data_dir onto a volume must not leave its database behind. */
export function databaseOf(settings: Settings, folder: string): string {
  const written = settings.storage.database
  if (written !== undefined) return absolutePath(folder, written)
  return sqlitePrefix + resolvePath(absolutePath(folder, settings.data_dir), 'gatehouse.db')
}

/** What the program uses, made from settings that every check has passed. */
export function resolveSettings(settings: Settings, context: ResolveContext): GatehouseConfig {
  const { folder } = context
  const { sessions, tokens, logout, appearance } = settings
  return {
    issuer: settings.issuer,
    listen: settings.listen,
    ...present('metrics', settings.metrics),
    ...present(
      'tls',
      settings.tls && {
        certFile: absolutePath(folder, settings.tls.cert_file),
        keyFile: absolutePath(folder, settings.tls.key_file),
      },
    ),
    trustedProxies: settings.trusted_proxies.map(networkText),
    dataDir: absolutePath(folder, settings.data_dir),
    storage: { databaseFile: databaseOf(settings, folder).slice(sqlitePrefix.length) },
    keys: { ...present('encryptionKey', settings.keys.encryption_key) },
    egress: {
      allow: settings.egress.allow,
      allowLoopback: isLoopbackHost(new URL(settings.issuer).hostname),
    },
    sessions: {
      idleMs: ms(sessions.idle),
      absoluteMs: ms(sessions.absolute),
      rememberMe: { enabled: sessions.remember_me.enabled, absoluteMs: ms(sessions.remember_me.absolute) },
      activity: sessions.activity,
      maxPerAccount: sessions.max_per_account,
      rotateSecretMs: ms(sessions.rotate_secret),
      keepHistoryMs: ms(sessions.keep_history),
    },
    tokens: {
      codeMs: ms(tokens.code),
      accessMs: ms(tokens.access),
      idMs: ms(tokens.id),
      interactionMs: ms(tokens.interaction),
      refreshGraceMs: ms(tokens.refresh_grace),
      offlineIdleMs: ms(tokens.offline_idle),
      offlineAbsoluteMs: ms(tokens.offline_absolute),
    },
    logout: {
      retryForMs: ms(logout.retry_for),
      timeoutMs: ms(logout.timeout),
      perApp: logout.per_app,
      perAppPerSecond: logout.per_app_per_second,
      atOnce: logout.at_once,
      frontChannelWaitMs: ms(logout.front_channel_wait),
      // A webhook without a secret has not passed the checks.
      ...present(
        'webhook',
        logout.webhook && { url: logout.webhook.url, secret: logout.webhook.secret ?? '' },
      ),
    },
    audit: { keepMs: ms(settings.audit.keep) },
    log: settings.log,
    appearance: {
      name: appearance.name,
      ...present('accent', unlessEmpty(appearance.accent)),
      ...present(
        'logoFile',
        appearance.logo_file === '' ? undefined : absolutePath(folder, appearance.logo_file),
      ),
    },
    apps: settings.apps.map((app, index) => resolveApp(app, context.declaredAt(['apps', index]))),
    accounts: settings.accounts.map((account, index) =>
      resolveAccount(account, context.declaredAt(['accounts', index])),
    ),
  }
}

function resolveApp(app: AppSettings, source: DeclaredAt): DeclaredApp {
  const { sessions, logout } = app
  return {
    id: app.id,
    name: app.name ?? app.id,
    ...present('launchUrl', app.launch_url),
    firstParty: app.first_party,
    access: app.access,
    sessions: {
      ...present('idleMs', sessions.idle && ms(sessions.idle)),
      ...present('absoluteMs', sessions.absolute && ms(sessions.absolute)),
      ...present('acr', unlessEmpty(sessions.acr)),
    },
    logout: {
      causes: logout.causes,
      appSignsOut: logout.app_signs_out,
      ...(logout.channel === 'auto' ? {} : { channel: logout.channel }),
      ...present('timeoutMs', logout.timeout && ms(logout.timeout)),
      ...present('localSessionMs', logout.local_session && ms(logout.local_session)),
    },
    offline: app.offline,
    oidc: resolveClient(app),
    source,
  }
}

/** Wire names stay as they are. */
function resolveClient({ id, oidc }: AppSettings): OidcClientMetadata {
  const { client_secret_file: _, ...metadata } = oidc
  return { ...withoutUndefined(metadata), client_id: oidc.client_id ?? id }
}

/** Metadata distinguishes absent from present, so a key that holds undefined goes. */
function withoutUndefined<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> }
}

function resolveAccount(account: AccountSettings, source: DeclaredAt): DeclaredAccount {
  return {
    ...present('id', account.id),
    email: account.email,
    ...present('name', account.name),
    operator: account.operator,
    ...present('password', account.password),
    ...present('passwordHash', account.password_hash),
    groups: account.groups,
    source,
  }
}

function ms(duration: string): number {
  const parsed = parseDuration(duration)
  // The schema admits exactly what the parser reads; anything else is our mistake, not the operator's.
  if (parsed === undefined) throw new TypeError(`not a duration: ${duration}`)
  return parsed
}

/** One spelling of a network: an address alone is a network of one. */
function networkText(text: string): string {
  const network = parseNetwork(text)
  if (network === undefined) throw new TypeError(`not a network: ${text}`)
  return `${network.address}/${network.prefix}`
}

function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text
}

/** `{ [key]: value }`, or nothing when there is no value: an absent key, never one that holds undefined. */
function present<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [K in Key]?: Exclude<Value, ''> } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Exclude<Value, ''> }
}
