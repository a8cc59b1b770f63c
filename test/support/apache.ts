/**
 * Apache with mod_auth_openidc as Debian ships it: an app that nobody here wrote.
 *
 * Owns: a folder, a port and a process of its own per start. Its sessions lie in files of that folder, as in an installation whose
 * sessions survive a restart: what is gone after one was ended, not lost.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { apache } from './available.ts'
import { freePort } from './gateway.ts'

export interface ModAuthOpenidcOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** By default an address, which is another site than the gateway's `localhost`. */
  readonly host?: '127.0.0.1' | 'localhost'
  /** Where its sessions lie: on the server, where a `sid` finds them, or whole in the cookie, which only the browser can take away. */
  readonly sessionsIn?: 'server' | 'cookie'
  /** Serves https, and its cookie may be used in frames of other sites (`SameSite=None; Secure`). */
  readonly crossSite?: { readonly certFile: string; readonly keyFile: string }
}

export interface ModAuthOpenidc extends AsyncDisposable {
  readonly url: string
  /** Answers 200 and names the person, or sends them to the gateway. */
  readonly protectedUrl: string
  readonly redirectUri: string
  readonly signedOutUrl: string
  /** Where a person signs out here. */
  readonly signOutUrl: string
  readonly backchannelLogoutUri: string
  readonly frontchannelLogoutUri: string
  start(): Promise<void>
  /** Keeps its sessions. */
  stop(): Promise<void>
  /** Lines of the access log, each `METHOD path?query status`. */
  requests(): readonly string[]
  errors(): string
}

const readyWithinMs = 10_000
const askAgainMs = 20

/** Reserves a port and writes the files; `start` runs it, once the gateway knows its addresses. */
export async function prepareModAuthOpenidc(options: ModAuthOpenidcOptions): Promise<ModAuthOpenidc> {
  if (apache === undefined) throw new Error('There is no Apache with mod_auth_openidc here')
  const { server, modules } = apache
  const port = await freePort()
  const { host = '127.0.0.1', crossSite } = options
  const url = `${crossSite === undefined ? 'http' : 'https'}://${host}:${port}`
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-apache-'))
  const configuration = join(folder, 'apache.conf')
  const accessLog = join(folder, 'access.log')
  const errorLog = join(folder, 'error.log')
  // Started by root, Apache works as another user, which has to reach its pages and write its sessions.
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'pages', 'secure'), { recursive: true })
  mkdirSync(join(folder, 'sessions'))
  chmodSync(join(folder, 'sessions'), 0o777)
  writeFileSync(
    join(folder, 'pages', 'secure', 'index.shtml'),
    'subject=<!--#echo var="REMOTE_USER"--> email=<!--#echo var="OIDC_CLAIM_email"--> sid=<!--#echo var="OIDC_CLAIM_sid"-->',
  )
  writeFileSync(join(folder, 'pages', 'signed-out.html'), 'signed out')
  writeFileSync(configuration, apacheConfiguration({ folder, modules, port, url, ...options }))

  let process: ChildProcess | undefined
  const redirectUri = `${url}/secure/redirect_uri`
  const signedOutUrl = `${url}/signed-out.html`
  const errors = (): string => (existsSync(errorLog) ? readFileSync(errorLog, 'utf8') : '')

  const start = async (): Promise<void> => {
    const child = spawn(server, ['-f', configuration, '-D', 'FOREGROUND'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    process = child
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    for (let waitedMs = 0; waitedMs < readyWithinMs; waitedMs += askAgainMs) {
      if (child.exitCode !== null) break
      if (await answers(signedOutUrl)) return
      await pause(askAgainMs)
    }
    throw new Error(`Apache does not answer: ${said}${errors()}`)
  }

  const stop = async (): Promise<void> => {
    const child = process
    process = undefined
    if (child === undefined || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }

  return {
    url,
    protectedUrl: `${url}/secure/index.shtml`,
    redirectUri,
    signedOutUrl,
    signOutUrl: `${redirectUri}?logout=${encodeURIComponent(signedOutUrl)}`,
    backchannelLogoutUri: `${redirectUri}?logout=backchannel`,
    frontchannelLogoutUri: `${redirectUri}?logout=get`,
    start,
    stop,
    requests: () => (existsSync(accessLog) ? readFileSync(accessLog, 'utf8').trimEnd().split('\n') : []),
    errors,
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Whether it serves its page; a certificate of its own making is fine here. */
async function answers(url: string): Promise<boolean> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  try {
    const { statusCode, body } = await request(url, { dispatcher })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  } finally {
    await dispatcher.close()
  }
}

function apacheConfiguration(
  of: ModAuthOpenidcOptions & {
    readonly folder: string
    readonly modules: string
    readonly port: number
    readonly url: string
  },
): string {
  const modules = [
    'mpm_event',
    'authn_core',
    'authz_core',
    'authz_user',
    'dir',
    'mime',
    'env',
    'filter',
    'include',
    'auth_openidc',
    ...(of.crossSite === undefined ? [] : ['ssl']),
  ]
  return `
ServerRoot ${of.folder}
ServerName ${of.url}
UseCanonicalName On
PidFile ${of.folder}/apache.pid
DefaultRuntimeDir ${of.folder}
Mutex file:${of.folder} default
Listen 127.0.0.1:${of.port}
${modules.map((name) => `LoadModule ${name}_module ${of.modules}/mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
# A small server: one process, few threads, quick to start and to stop.
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
ErrorLog ${of.folder}/error.log
LogLevel warn auth_openidc:info
LogFormat "%m %U%q %>s" short
CustomLog ${of.folder}/access.log short
DocumentRoot ${of.folder}/pages
DirectoryIndex index.shtml
TypesConfig /dev/null
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
<Directory ${of.folder}/pages>
  Options +Includes
  Require all granted
</Directory>

${
  of.crossSite === undefined
    ? ''
    : `SSLEngine on
SSLCertificateFile ${of.crossSite.certFile}
SSLCertificateKeyFile ${of.crossSite.keyFile}
OIDCCookieSameSite Off`
}

OIDCProviderMetadataURL ${of.issuer}/.well-known/openid-configuration
OIDCClientID ${of.clientId}
OIDCClientSecret ${of.clientSecret}
OIDCRedirectURI ${of.url}/secure/redirect_uri
OIDCRedirectURLsAllowed ^${of.url}/
OIDCCryptoPassphrase 0123456789abcdef0123456789abcdef
OIDCScope "openid email profile"
OIDCRemoteUserClaim sub
OIDCPKCEMethod S256
OIDCSessionType ${of.sessionsIn === 'cookie' ? 'client-cookie' : 'server-cache'}
OIDCCacheType file
OIDCCacheDir ${of.folder}/sessions
<Location /secure>
  AuthType openid-connect
  Require valid-user
</Location>
`
}
