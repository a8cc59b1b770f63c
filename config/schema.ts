import { z } from 'zod'
import { withHint } from './hints.ts'
import { logLevels, sessionActivities } from './resolved.ts'
import { accountSchema } from './schema-accounts.ts'
import { appSchema } from './schema-apps.ts'
import {
  displayName,
  duration,
  egressTarget,
  host,
  network,
  origin,
  path,
  port,
  secret,
  secretFile,
  webAddress,
} from './values.ts'

/**
 * What an operator may write, in one place: validation, types, documentation and the published JSON Schema all come from here.
 *
 * Owns: keys, kinds of values, defaults, descriptions. Relies on: nothing but zod.
 * Never: changes a value (`resolve.ts` does) or compares two of them (`checks.ts` does).
 * Every object is strict: a mistyped key must not silently leave a default in force.
 */

const count = (least: number, most: number): z.ZodInt =>
  withHint(z.int().min(least).max(most), { expected: `a whole number from ${least} to ${most}` })

const listen = z.strictObject({
  host: host.default('127.0.0.1').describe('The address to listen on. A container needs 0.0.0.0.'),
  port: port.default(3000).describe('The port to listen on.'),
})

const metrics = z.strictObject({
  host: host
    .default('127.0.0.1')
    .describe('The address of the metrics listener. Keep it off the public network.'),
  port: port.default(9464).describe('The port of the metrics listener.'),
})

const tls = z.strictObject({
  cert_file: path.describe('PEM certificate chain, the own certificate first.'),
  key_file: path.describe('PEM private key.'),
})

const database = withHint(
  z.string().superRefine((text, context) => {
    if (/^postgres(ql)?:/.test(text)) {
      context.addIssue('sqlite:<path>: Postgres is not available in this version')
    } else if (!/^sqlite:.+$/.test(text) || text.includes(':memory:') || text.length > 4_096) {
      context.addIssue({ code: 'custom' })
    }
  }),
  { expected: 'sqlite:<path to the database file>', path: true },
)

const cache = withHint(
  z.string().superRefine((text, context) => {
    if (/^rediss?:/.test(text)) {
      context.addIssue('memory: since Redis is not available in this version')
    } else if (text !== 'memory:') {
      context.addIssue({ code: 'custom' })
    }
  }),
  { expected: 'memory:' },
)

const storage = z.strictObject({
  database: database
    .optional()
    .describe('Where everything durable lives. Default: gatehouse.db in data_dir. Back it up.'),
  cache: cache.default('memory:').describe('Where copies live that may be lost without harm.'),
})

const keys = z.strictObject({
  encryption_key: secret(z.string().min(32).max(1_024), 'at least 32 characters from a random source')
    .optional()
    .describe(
      'Encrypts signing keys at rest. Default: a key file made in data_dir, which then lies beside what it protects.',
    ),
  encryption_key_file: secretFile('encryption_key'),
})

const egress = z.strictObject({
  allow: z
    .array(egressTarget)
    .max(256)
    .default([])
    .describe(
      'Networks and host:port that apps may be told at although they are private or plain http. ' +
        'Public addresses are always allowed; loopback while the issuer itself is on loopback.',
    ),
})

const rememberMe = z.strictObject({
  enabled: z.boolean().default(false).describe('Offer "stay signed in" at sign-in.'),
  absolute: duration.default('14d').describe('The absolute lifetime of a session that was asked to stay.'),
})

const sessions = z.strictObject({
  idle: duration
    .default('8h')
    .describe(
      'A session nobody used for this long ends. 1h is stricter: the gateway does not see use inside an app.',
    ),
  absolute: duration.default('24h').describe('A session ends this long after sign-in, used or not.'),
  remember_me: rememberMe.prefault({}).describe('Longer sessions for people who ask for them.'),
  activity: z
    .array(z.enum(sessionActivities))
    .max(sessionActivities.length)
    .default(['authorize', 'refresh'])
    .describe(
      'What counts as use besides pages of the gateway: authorize, refresh, userinfo, silent (prompt=none). ' +
        'Apps that poll would keep a session alive for ever, so the last two are off.',
    ),
  max_per_account: count(0, 1_000)
    .default(0)
    .describe('How many sessions one account may have; the one used longest ago ends. 0: no limit.'),
  rotate_secret: duration.default('10m').describe('How often the cookie of a session in use is replaced.'),
  keep_history: duration.default('90d').describe('How long ended sessions and their logouts stay on record.'),
})

const tokens = z.strictObject({
  code: duration.default('60s').describe('Lifetime of an authorization code.'),
  access: duration.default('10m').describe('Lifetime of an access token; it also ends with its session.'),
  id: duration.default('10m').describe('Lifetime of an ID token.'),
  interaction: duration.default('10m').describe('How long a sign-in or consent page may stay open.'),
  refresh_grace: duration
    .default('10s')
    .describe('How long a lost answer to a refresh may be asked for again with the old refresh token.'),
  offline_idle: duration
    .default('30d')
    .describe(
      'Access that outlives a sign-out (offline: survives-sign-out) ends when it is not used for this long.',
    ),
  offline_absolute: duration
    .default('180d')
    .describe('Such access ends this long after it was given, however often its tokens were renewed.'),
})

const webhook = z.strictObject({
  url: webAddress.describe('Where messages are posted to. https, or http where egress.allow names it.'),
  secret: secret(
    z.string().refine(isWebhookSecret),
    'whsec_ and 24 to 64 random bytes in base64 (echo whsec_$(openssl rand -base64 32))',
  )
    .optional()
    .describe('Signs each message (Standard Webhooks), so that its receiver knows who sent it.'),
  secret_file: secretFile('secret'),
})

/** As the specification writes it: libraries that verify take it as it stands. */
function isWebhookSecret(text: string): boolean {
  const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/.exec(text) ?? []
  const key = Buffer.from(encoded, 'base64')
  return key.toString('base64') === encoded && key.length >= 24 && key.length <= 64
}

const logout = z.strictObject({
  retry_for: duration.default('72h').describe('How long an app that does not answer is told again.'),
  timeout: duration.default('5s').describe('How long one attempt to tell an app may take.'),
  per_app: count(1, 64).default(4).describe('Attempts at once to one app.'),
  per_app_per_second: count(1, 1_000)
    .default(20)
    .describe(
      'How many sessions that end in the background, such as all at once, one app hears of in a second.',
    ),
  at_once: count(1, 1_024).default(64).describe('Attempts at once to all apps.'),
  front_channel_wait: duration.default('3s').describe('How long the sign-out page waits before it moves on.'),
  webhook: webhook
    .optional()
    .describe('Told of apps that could not be told, do not answer, or answer again. Off when absent.'),
})

const audit = z.strictObject({
  keep: duration.default('400d').describe('How long audit events are kept.'),
})

const log = z.strictObject({
  level: z
    .enum(logLevels)
    .default('info')
    .describe('The least level that is logged: debug, info, warn or error.'),
})

const accent = withHint(z.string().regex(/^(#[0-9a-fA-F]{6})?$/), {
  expected: 'a colour such as #1f6feb, or nothing',
})

const logoFile = withHint(z.string().regex(/^(.{1,4000}\.(svg|png|webp|jpe?g))?$/i), {
  expected: 'a path to an svg, png, webp or jpg file, or nothing',
  path: true,
})

const appearance = z.strictObject({
  name: displayName.default('Gatehouse').describe('What the pages call this place.'),
  accent: accent.default('').describe('The colour of buttons and links.'),
  logo_file: logoFile.default('').describe('Shown on every page.'),
})

const notYet = withHint(z.literal(''), { expected: 'nothing: mail is not available in this version' })

const mail = z.strictObject({
  smtp_url: notYet.default('').describe('Must stay empty: mail is not available in this version.'),
  from: notYet.default('').describe('Must stay empty: mail is not available in this version.'),
})

export const settingsSchema = z
  .strictObject({
    issuer: origin
      .default('http://localhost:3000')
      .describe(
        'The one public origin; every address derives from it. https outside loopback. ' +
          'Changing it later orphans passkeys and makes every app see a new identity provider.',
      ),
    listen: listen.prefault({}).describe('Where the gateway listens.'),
    metrics: metrics.optional().describe('Prometheus text on a listener of its own. Off when absent.'),
    tls: tls.optional().describe('Serve https without a proxy. Usually a proxy does this.'),
    trusted_proxies: z
      .array(network)
      .max(256)
      .default([])
      .describe('Networks whose X-Forwarded-* headers count. Anybody else could invent their address.'),
    data_dir: path.default('./data').describe('Database, keys and secrets. Made at the first start.'),
    storage: storage.prefault({}).describe('Where data lives.'),
    keys: keys.prefault({}).describe('The key that protects signing keys.'),
    egress: egress.prefault({}).describe('Where the gateway may send requests to.'),
    sessions: sessions.prefault({}).describe('How long a sign-in lasts.'),
    tokens: tokens.prefault({}).describe('How long tokens last. All of them end with the session.'),
    logout: logout.prefault({}).describe('How apps are told that a session ended.'),
    audit: audit.prefault({}).describe('The record of who did what.'),
    log: log.prefault({}).describe('JSON lines on stderr.'),
    appearance: appearance.prefault({}).describe('What people see.'),
    apps: z
      .array(appSchema)
      .max(10_000)
      .default([])
      .describe('Apps that sign people in here. Applied at each start; one that disappears is disabled.'),
    accounts: z
      .array(accountSchema)
      .max(10_000)
      .default([])
      .describe('Accounts for demos and tests. Applied at each start; one that disappears is disabled.'),
    mail: mail.prefault({}).describe('Not available in this version.'),
  })
  .describe('Configuration of Gatehouse.')

export type Settings = z.output<typeof settingsSchema>

/** Keys that the documentation names and this version refuses, so that nobody believes them to be in force. */
export const announcedKeys: readonly RegExp[] = [/^tokens\.device$/, /^apps\[\d+\]\.saml$/]
