import { checkApp } from './checks-apps.ts'
import { parseDuration } from './duration.ts'
import type { Finding } from './fill.ts'
import { addressOf, isAllowedByEgress, isLoopbackHost } from './networks.ts'
import type { SettingPath } from './path.ts'
import type { Settings } from './schema.ts'
import type { AccountSettings } from './schema-accounts.ts'
import type { AppSettings } from './schema-apps.ts'

/**
 * What one value alone cannot say: rules between settings.
 *
 * Each rule looks only at parts that are well-formed by themselves, so that its findings can stand in the same message as
 * the mistakes in other parts.
 */
export interface Understood {
  /** Top-level settings whose own form is right. */
  readonly settings: Partial<Omit<Settings, 'apps' | 'accounts'>>
  readonly apps: readonly Placed<AppSettings>[]
  readonly accounts: readonly Placed<AccountSettings>[]
}

export interface Placed<Declared> {
  readonly index: number
  readonly declared: Declared
}

export interface Advice {
  readonly path: SettingPath
  readonly message: string
}

export interface CheckResult {
  readonly findings: readonly Finding[]
  readonly advice: readonly Advice[]
}

export function checkTogether(understood: Understood): CheckResult {
  const findings: Finding[] = []
  const advice: Advice[] = []
  checkGateway(understood.settings, findings, advice)
  checkWebhook(understood.settings, findings)
  for (const app of understood.apps) checkApp(app, understood.settings, findings, advice)
  findings.push(
    ...repeated(understood.apps, 'apps', ['id'], (app) => app.id),
    ...repeated(understood.apps, 'apps', ['oidc', 'client_id'], (app) => app.oidc.client_id ?? app.id),
    ...repeated(understood.accounts, 'accounts', ['id'], (account) => account.id),
    ...repeated(understood.accounts, 'accounts', ['email'], (account) => account.email.toLowerCase()),
  )
  for (const { index, declared } of understood.accounts) {
    if (declared.password !== undefined && declared.password_hash !== undefined) {
      const path = ['accounts', index, 'password_hash']
      findings.push({ path, found: 'both password and password_hash', expected: 'one of them' })
    }
  }
  return { findings, advice }
}

function checkGateway(settings: Understood['settings'], findings: Finding[], advice: Advice[]): void {
  const { issuer, listen, metrics, tls, sessions } = settings
  if (issuer !== undefined) {
    const url = new URL(issuer)
    if (tls !== undefined && url.protocol === 'http:') {
      findings.push({ path: ['issuer'], found: JSON.stringify(issuer), expected: 'https, since tls is set' })
    }
    if (addressOf(url.hostname) !== undefined) {
      const message = 'is an IP address: browsers refuse passkeys there, so people can only use passwords'
      advice.push({ path: ['issuer'], message })
    }
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
    if (isLoopbackHost(url.hostname) && listen !== undefined && listen.port !== 0 && listen.port !== port) {
      const message = `is ${listen.port}, but the issuer says ${port}: unless something forwards, nobody gets here`
      advice.push({ path: ['listen', 'port'], message })
    }
  }
  if (listen !== undefined && metrics !== undefined && metrics.port === listen.port && listen.port !== 0) {
    findings.push({
      path: ['metrics', 'port'],
      found: String(metrics.port),
      expected: 'another port than listen.port',
    })
  }
  if (sessions?.remember_me.enabled === true) {
    const { absolute, remember_me } = sessions
    if ((parseDuration(remember_me.absolute) ?? 0) < (parseDuration(absolute) ?? 0)) {
      const message = `is shorter than sessions.absolute (${absolute}): asking to stay signed in would shorten the session`
      advice.push({ path: ['sessions', 'remember_me', 'absolute'], message })
    }
  }
}

/** Where the gateway reports to: whoever can read its messages learns who signs out where, and who can forge them is believed. */
function checkWebhook({ logout, egress }: Understood['settings'], findings: Finding[]): void {
  const webhook = logout?.webhook
  if (webhook === undefined) return
  if (webhook.secret === undefined) {
    findings.push({
      path: ['logout', 'webhook', 'secret'],
      found: 'nothing',
      expected: 'a secret (echo whsec_$(openssl rand -base64 32)), or secret_file',
    })
  }
  const url = new URL(webhook.url)
  // Without a well-formed egress.allow nobody can say what it would have allowed.
  if (url.protocol !== 'http:' || egress === undefined || isLoopbackHost(url.hostname)) return
  if (!isAllowedByEgress(url, egress.allow)) {
    findings.push({
      path: ['logout', 'webhook', 'url'],
      found: JSON.stringify(webhook.url),
      expected: 'https (http only on loopback or where egress.allow names it)',
    })
  }
}

/** Names that must be alone in the file; the later one is to blame, the first one is named. */
function repeated<Declared>(
  placed: readonly Placed<Declared>[],
  list: string,
  key: readonly string[],
  nameOf: (declared: Declared) => string | undefined,
): Finding[] {
  const first = new Map<string, number>()
  const findings: Finding[] = []
  for (const { index, declared } of placed) {
    const name = nameOf(declared)
    if (name === undefined) continue
    const owner = first.get(name)
    if (owner === undefined) first.set(name, index)
    else {
      const expected = `one that is not taken (${list}[${owner}] has it)`
      findings.push({ path: [list, index, ...key], found: JSON.stringify(name), expected })
    }
  }
  return findings
}
