/** One gateway in real time, mod_auth_openidc and an openid-client app: what the tests of this folder share a session between. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, vi } from 'vitest'
import type { LogoutReport } from '#gateway/logout/report.ts'
import { type SampleApp, startSampleApp } from '#test/apps/sample-app.ts'
import { type ModAuthOpenidc, prepareModAuthOpenidc } from '#test/support/apache.ts'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { freePort, startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada, declaredApp, signInAt, signInOn } from '#test/support/two-apps.ts'

export interface SharedSession extends TestGateway {
  readonly wiki: SampleApp
  readonly intranet: ModAuthOpenidc
  readonly browser: Browser
  /** The only Logout there is. */
  report(): Promise<LogoutReport>
}

export interface SharedSessionOptions {
  /** True tells apps and sweeps as `serve` does; otherwise a test does it by hand. */
  readonly background: boolean
  readonly sessions?: Readonly<Record<string, string>>
}

const secrets = { wiki: 'wiki-secret-'.repeat(4), intranet: 'intranet-secret-'.repeat(3) }

/** Starts them all, with a browser that has been nowhere yet. */
export async function startSharedSession(options: SharedSessionOptions): Promise<SharedSession> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const wiki = await startSampleApp({
    name: 'Wiki',
    issuer,
    clientId: 'wiki',
    clientSecret: secrets.wiki,
    port: 0,
  })
  const intranet = await prepareModAuthOpenidc({
    issuer,
    clientId: 'intranet',
    clientSecret: secrets.intranet,
  })
  const gateway = await startGateway({
    port,
    realTime: true,
    background: options.background,
    settings: {
      accounts: [ada],
      apps: [
        declaredApp('wiki', wiki.url),
        {
          id: 'intranet',
          first_party: true,
          // Silent about algorithms, as its manual is: RS256 then.
          oidc: {
            client_secret: secrets.intranet,
            redirect_uris: [intranet.redirectUri],
            post_logout_redirect_uris: [intranet.signedOutUrl],
            backchannel_logout_uri: intranet.backchannelLogoutUri,
            backchannel_logout_session_required: true,
          },
        },
      ],
      ...(options.sessions === undefined ? {} : { sessions: options.sessions }),
    },
  })
  await intranet.start()
  return {
    ...gateway,
    wiki,
    intranet,
    browser: createBrowser(),
    report: () => onlyReport(gateway),
    [Symbol.asyncDispose]: async () => {
      await intranet[Symbol.asyncDispose]()
      await wiki.close()
      await gateway[Symbol.asyncDispose]()
    },
  }
}

/** Signs in at the wiki with a password, and at the intranet without. */
export async function signInAtBoth({ browser, wiki, intranet }: SharedSession): Promise<void> {
  await signInAt(browser, wiki)
  expect((await browser.get(intranet.protectedUrl)).status).toBe(200)
}

/** Opens the intranet's page and answers the gateway's sign-in. */
export async function signInAtIntranet({ browser, intranet }: SharedSession) {
  return signInOn(browser, await browser.get(intranet.protectedUrl))
}

/** Whether mod_auth_openidc still holds a session for this browser, without going to the gateway for another one. */
export async function isSignedInAtIntranet({ browser, intranet, issuer }: SharedSession): Promise<boolean> {
  const page = await browser.get(intranet.protectedUrl, { follow: false })
  if (page.status === 200) return true
  expect(page.status).toBe(302)
  expect(page.location).toMatch(new RegExp(`^${issuer}/oauth/authorize\\?`))
  return false
}

async function onlyReport({ gateway }: TestGateway): Promise<LogoutReport> {
  const [logout, ...others] = await gateway.reports.list({ limit: 2 })
  expect(others).toEqual([])
  const report = logout === undefined ? undefined : await gateway.reports.find(logout.id)
  if (report === undefined) throw new Error('nothing has ended yet')
  return report
}

/** Waits for the dispatcher's answers: `states` maps apps to what the report says of them. */
export async function untilReported(
  shared: SharedSession,
  states: Readonly<Record<string, LogoutReport['deliveries'][number]['state']>>,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<LogoutReport> {
  return vi.waitFor(
    async () => {
      await meanwhile()
      const report = await shared.report()
      expect(Object.fromEntries(report.deliveries.map(({ appId, state }) => [appId, state]))).toEqual(states)
      return report
    },
    { timeout: 20_000, interval: 50 },
  )
}

/** Runs `gatehouse` as an operator does, beside the running gateway. */
export async function gatehouse({ folder }: TestGateway, ...words: readonly string[]): Promise<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(root, 'gateway', 'cli.ts'),
    ...words,
    '--config',
    join(folder, 'gatehouse.yaml'),
  ])
  return stdout
}
