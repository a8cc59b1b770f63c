/**
 * `npm run bench -- requests`: the gateway on SQLite beside bare oidc-provider over a Map, in one run, taking turns round by round.
 *
 * What counts is the ratio of the CPU time of the two server processes: wall-clock rates move by a factor of four on a shared machine,
 * and server and driver share its cores.
 */
import { cpus } from 'node:os'
import { createBrowser } from '#test/support/browser.ts'
import { signInOn } from '#test/support/two-apps.ts'
import { type Contestant, startContestant } from './contestant.ts'
import { basic, type Code, createDriver, type Driver } from './driver.ts'
import { median } from './median.ts'
import { person } from './person.ts'

const operationsPerRound = 400

interface Runner {
  readonly contestant: Contestant
  readonly driver: Driver
}

interface Measured {
  readonly cpuMs: number
  readonly perSecond: number
}

/** Prepares what it needs and returns the work to be measured. */
type Operation = (runner: Runner) => Promise<() => Promise<unknown>>

const operations: Readonly<Record<string, Operation>> = {
  discovery: async ({ driver }) =>
    repeat(driver, () => driver.request('GET', '/.well-known/openid-configuration').then(expectOk)),
  jwks: async ({ driver, contestant }) =>
    repeat(driver, () => driver.request('GET', contestant.paths.jwks).then(expectOk)),
  'authorize, live session': async ({ driver }) => repeat(driver, () => driver.authorize('app-ES256')),
  'code exchange ES256': (runner) => exchanges(runner, 'app-ES256'),
  'code exchange RS256': (runner) => exchanges(runner, 'app-RS256'),
  'refresh ES256, rotating': async ({ driver }) => {
    const tokens = await driver.each(await codes(driver, 'app-ES256'), (code) =>
      driver.exchange('app-ES256', code),
    )
    return () => driver.each(tokens, ({ refresh_token }) => driver.refresh('app-ES256', refresh_token))
  },
  userinfo: async ({ driver, contestant }) => {
    const { access_token } = await driver.exchange('app-ES256', await driver.authorize('app-ES256'))
    return repeat(driver, () =>
      driver
        .request('GET', contestant.paths.userinfo, { authorization: `Bearer ${access_token}` })
        .then(expectOk),
    )
  },
  introspection: async ({ driver, contestant }) => {
    const { access_token } = await driver.exchange('app-ES256', await driver.authorize('app-ES256'))
    const headers = { authorization: basic('app-ES256'), 'content-type': 'application/x-www-form-urlencoded' }
    const body = `token=${access_token}&token_type_hint=access_token`
    return repeat(driver, () =>
      driver.request('POST', contestant.paths.introspect, headers, body).then(expectOk),
    )
  },
}

async function exchanges({ driver }: Runner, clientId: string): Promise<() => Promise<unknown>> {
  const prepared = await codes(driver, clientId)
  return () => driver.each(prepared, (code) => driver.exchange(clientId, code))
}

function codes(driver: Driver, clientId: string): Promise<readonly Code[]> {
  return driver.each(Array.from({ length: operationsPerRound }), () => driver.authorize(clientId))
}

function repeat(driver: Driver, work: () => Promise<unknown>): () => Promise<unknown> {
  return () => driver.each(Array.from({ length: operationsPerRound }), work)
}

function expectOk({ status, text }: { readonly status: number; readonly text: string }): void {
  if (status !== 200) throw new Error(`${status} ${text.slice(0, 300)}`)
}

async function measure(runner: Runner, operation: Operation): Promise<Measured> {
  const work = await operation(runner)
  const cpuBefore = await runner.contestant.cpuMs()
  const startedAt = performance.now()
  await work()
  const wallMs = performance.now() - startedAt
  const cpuMs = (await runner.contestant.cpuMs()) - cpuBefore
  return { cpuMs: cpuMs / operationsPerRound, perSecond: operationsPerRound / (wallMs / 1_000) }
}

/** A browser signed in at the gateway through its own page; at the bare engine the first request signs in by itself. */
async function cookiesAtGateway(issuer: string): Promise<string> {
  const browser = createBrowser()
  await signInOn(browser, await browser.get(`${issuer}/sign-in`), person)
  return cookieHeader(browser.cookiesFor(`${issuer}/`))
}

async function cookiesAtBareEngine(issuer: string): Promise<string> {
  const browser = createBrowser()
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'app-ES256',
    redirect_uri: 'https://app.example/callback',
    scope: 'openid email profile',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  let page = await browser.get(`${issuer}/auth?${query}`, { follow: false })
  while (page.location?.startsWith(issuer) === true)
    page = await browser.get(page.location, { follow: false })
  return cookieHeader(browser.cookiesFor(`${issuer}/`))
}

function cookieHeader(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}

/** Runs all of them and writes the table. */
export async function benchRequests(write: (line: string) => void, rounds: number): Promise<void> {
  await using bare = await startContestant('bare oidc-provider, Map', './bare-engine.ts', {
    authorize: '/auth',
    token: '/token',
    userinfo: '/me',
    introspect: '/token/introspection',
    jwks: '/jwks',
  })
  await using gateway = await startContestant('gateway, SQLite', './gateway.ts', {
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    userinfo: '/oauth/userinfo',
    introspect: '/oauth/introspect',
    jwks: '/oauth/jwks',
  })
  const runners = {
    bare: { contestant: bare, driver: createDriver(bare, await cookiesAtBareEngine(bare.issuer)) },
    gateway: { contestant: gateway, driver: createDriver(gateway, await cookiesAtGateway(gateway.issuer)) },
  }

  write(
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${rounds} rounds of ${operationsPerRound} after 2 to warm up`,
  )
  write(
    `${'operation'.padEnd(26)}${'bare ms'.padStart(9)}${'ours ms'.padStart(9)}${'ratio'.padStart(8)}${'bare /s'.padStart(9)}${'ours /s'.padStart(9)}`,
  )
  for (const [name, operation] of Object.entries(operations)) {
    const results = { bare: [] as Measured[], gateway: [] as Measured[] }
    for (let round = -2; round < rounds; round++) {
      for (const who of ['bare', 'gateway'] as const) {
        const measured = await measure(runners[who], operation)
        if (round >= 0) results[who].push(measured)
      }
    }
    const bareMs = median(results.bare.map(({ cpuMs }) => cpuMs))
    const oursMs = median(results.gateway.map(({ cpuMs }) => cpuMs))
    const ratio = median(
      results.gateway.map(({ cpuMs }, round) => cpuMs / (results.bare[round]?.cpuMs ?? Number.NaN)),
    )
    const rate = (of: readonly Measured[]): string => median(of.map(({ perSecond }) => perSecond)).toFixed(0)
    write(
      `${name.padEnd(26)}${bareMs.toFixed(2).padStart(9)}${oursMs.toFixed(2).padStart(9)}${`${ratio.toFixed(2)} ×`.padStart(8)}${rate(results.bare).padStart(9)}${rate(results.gateway).padStart(9)}`,
    )
  }
  await runners.bare.driver[Symbol.asyncDispose]()
  await runners.gateway.driver[Symbol.asyncDispose]()
}
