import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createMetricsHandler } from '#gateway/http/metrics.ts'
import { createBrowser } from '#test/support/browser.ts'
import { freePort, startGateway } from '#test/support/gateway.ts'
import { startGatewayProcess } from '#test/support/gateway-process.ts'
import { type Client, codeFor, exchange, gatewayEndpoints, refresh } from '#test/support/oauth.ts'
import { ada, declaredApp, signInAt, signInOn, startTwoApps } from '#test/support/two-apps.ts'
import { listeningWith, samplesOf } from './reading.ts'

const monitored = { settings: { metrics: { port: 9464 } } }

describe('the metrics of a gateway', () => {
  test('count sign-ins, tokens, sessions, and what became of telling apps', async () => {
    await using all = await startTwoApps(monitored)
    await using metrics = await listeningWith(all.gateway.handleMetrics)
    const fresh = await metrics.read()
    expect(fresh.get('gatehouse_sign_ins_total{method="password",outcome="signed-in"}')).toBe(0)
    expect(fresh.get('gatehouse_sessions_live')).toBe(0)

    const browser = createBrowser()
    const page = await browser.get(`${all.wiki.url}/sign-in`)
    await browser.submit(page, { email: ada.email, password: 'not it' })
    await signInAt(browser, all.wiki)
    await browser.get(`${all.board.url}/sign-in`)
    const before = await metrics.read()
    expect(before.get('gatehouse_sign_ins_total{method="password",outcome="refused"}')).toBe(1)
    expect(before.get('gatehouse_sign_ins_total{method="password",outcome="signed-in"}')).toBe(1)
    expect(before.get('gatehouse_tokens_issued_total{grant_type="authorization_code"}')).toBe(2)
    expect(before.get('gatehouse_sessions_live')).toBe(1)
    expect(before.get('gatehouse_logout_deliveries_pending')).toBe(0)
    expect(before.get('gatehouse_http_requests_total{route="oauth/token",status="200"}')).toBe(2)
    expect(before.get('gatehouse_http_requests_total{route="sign-in",status="403"}')).toBe(1)
    expect(before.get('gatehouse_http_request_duration_seconds_count{route="oauth/token"}')).toBe(2)

    await browser.get(`${all.wiki.url}/sign-out`)
    expect((await metrics.read()).get('gatehouse_logout_deliveries_pending')).toBe(2)
    await all.gateway.dispatcher.runDue()
    const after = await metrics.read()
    expect(after.get('gatehouse_logout_deliveries_total{outcome="delivered"}')).toBe(2)
    expect(after.get('gatehouse_logout_attempt_duration_seconds_count{outcome="acknowledged"}')).toBe(2)
    expect(after.get('gatehouse_logout_deliveries_pending')).toBe(0)
    expect(after.get('gatehouse_sessions_live')).toBe(0)
  })

  test('count apps that do not confirm, by whether they are still told, and name none', async () => {
    await using all = await startTwoApps(monitored)
    await using metrics = await listeningWith(all.gateway.handleMetrics)
    const unhealthy = async () => {
      const samples = await metrics.read()
      return ['failing', 'down'].map((state) => samples.get(`gatehouse_apps_unhealthy{state="${state}"}`))
    }
    expect(await unhealthy()).toEqual([0, 0])
    const browser = createBrowser()
    await signInAt(browser, all.wiki)
    await all.wiki.close()
    await browser.submit(await browser.get(`${all.issuer}/sign-out`), { decision: 'sign-out' })
    await all.gateway.dispatcher.runDue()
    expect(await unhealthy()).toEqual([1, 0])
    for (let attempt = 0; attempt < 4; attempt++) {
      const next = await all.gateway.stores.logouts.nextDueAfter(all.clock.now())
      all.clock.advance({ ms: (next ?? 0) - all.clock.now() })
      await all.gateway.dispatcher.runDue()
    }
    expect(await unhealthy()).toEqual([0, 1])
  })

  test('count refreshed tokens, and none for a request that was refused', async () => {
    await using all = await startTwoApps(monitored)
    await using metrics = await listeningWith(all.gateway.handleMetrics)
    const browser = createBrowser()
    await signInAt(browser, all.wiki)
    const client = declaredClient('board', all.board.url, all.issuer)
    const tokens = await exchange(client, await codeFor(browser, client))
    const refreshed = await refresh(client, tokens.body.refresh_token ?? '')
    expect(refreshed.status).toBe(200)
    expect((await refresh(client, 'nobody made this')).status).toBe(400)
    const samples = await metrics.read()
    expect(samples.get('gatehouse_tokens_issued_total{grant_type="refresh_token"}')).toBe(1)
    expect(samples.get('gatehouse_http_requests_total{route="oauth/token",status="400"}')).toBe(1)
  })

  test('count an app that has no way to be told as soon as its session ends', async () => {
    const boardOidc = { backchannel_logout_uri: undefined, backchannel_logout_session_required: undefined }
    await using all = await startTwoApps({ ...monitored, boardOidc })
    await using metrics = await listeningWith(all.gateway.handleMetrics)
    const browser = createBrowser()
    await signInAt(browser, all.board)
    await browser.get(`${all.board.url}/sign-out`)
    expect((await metrics.read()).get('gatehouse_logout_deliveries_total{outcome="untellable"}')).toBe(1)
  })

  test('count what a store could not do', async () => {
    await using gateway = await startGateway(monitored)
    await using metrics = await listeningWith(gateway.gateway.handleMetrics)
    const failures = 'gatehouse_store_failures_total{store="main",code="store_unavailable"}'
    expect((await metrics.read()).get(failures)).toBe(0)
    const { database, createSetUpLink } = gateway.gateway
    await sql`pragma query_only = 1`.execute(database.q())
    await expect(createSetUpLink()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(database.transaction.run(createSetUpLink)).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect((await metrics.read()).get(failures)).toBe(2)
  })

  test('tell of the process itself, and of requests that failed', async () => {
    await using gateway = await startGateway(monitored)
    await using metrics = await listeningWith(gateway.gateway.handleMetrics)
    await gateway.gateway.ephemeral[Symbol.asyncDispose]()
    expect((await fetch(`${gateway.issuer}/sign-in`)).status).toBe(503)
    const samples = await metrics.read()
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(samples.get('process_start_time_seconds')).toBeGreaterThan(0)
    expect(samples.get('gatehouse_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0)
    expect(samples.get('gatehouse_http_requests_total{route="sign-in",status="503"}')).toBe(1)
    expect(samples.get('gatehouse_passwords_busy_total')).toBe(0)
  })

  test('hold nothing that names a person, an app or a session', async () => {
    await using all = await startTwoApps(monitored)
    await using metrics = await listeningWith(all.gateway.handleMetrics)
    const browser = createBrowser()
    await signInAt(browser, all.wiki)
    await browser.get(`${all.wiki.url}/sign-out`)
    await all.gateway.dispatcher.runDue()
    const text = await (await fetch(`${metrics.url}/metrics`)).text()
    expect(text).not.toMatch(/ada|wiki|board|127\.0\.0\.1|(sso|aps|lgo|dlv)_/)
  })
})

describe('the listener for metrics', () => {
  test('answers GET /metrics and nothing else', async () => {
    await using metrics = await listeningWith(createMetricsHandler({ text: async () => 'x 1\n' }))
    const answer = await fetch(`${metrics.url}/metrics`)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await answer.text()).toBe('x 1\n')
    expect((await fetch(`${metrics.url}/metrics`, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${metrics.url}/metrics`, { method: 'POST' })).status).toBe(405)
    for (const path of ['/', '/healthz', '/sign-in', '/metrics/', '/Metrics']) {
      expect((await fetch(`${metrics.url}${path}`)).status).toBe(404)
    }
  })

  test('reads once for all who ask at the same time', async () => {
    let readings = 0
    const { promise: answer, resolve } = Promise.withResolvers<string>()
    const text = (): Promise<string> => {
      readings++
      return answer
    }
    await using metrics = await listeningWith(createMetricsHandler({ text }))
    const asked = Array.from({ length: 5 }, async () => (await fetch(`${metrics.url}/metrics`)).text())
    await expect.poll(() => readings).toBe(1)
    resolve('x 1\n')
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['x 1\n']))
    expect(readings).toBeLessThanOrEqual(2)
  })

  test('is not there unless the configuration asks for it, and nothing is measured', async () => {
    await using gateway = await startGateway()
    expect(gateway.gateway.handleMetrics).toBeUndefined()
    expect((await fetch(`${gateway.issuer}/metrics`)).status).toBe(404)
    expect(await gateway.gateway.metrics.text()).not.toContain('gatehouse_http_requests_total')
  })

  test('is opened by a start, is not the gateway, and is no address that an app could be told at', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-metrics-'))
    const [port, metricsPort] = [await freePort(), await freePort()]
    const issuer = `http://localhost:${port}`
    const trap = `http://127.0.0.1:${metricsPort}`
    const file = join(folder, 'gatehouse.yaml')
    writeFileSync(
      file,
      stringify({
        issuer,
        listen: { port },
        metrics: { port: metricsPort },
        data_dir: join(folder, 'data'),
        accounts: [ada],
        apps: [declaredApp('trap', trap, {}, { backchannel_logout_uri: `${trap}/metrics` })],
      }),
    )
    try {
      await using _gateway = await startGatewayProcess(file)
      expect((await fetch(`${trap}/healthz`)).status).toBe(404)
      const browser = createBrowser()
      await signInOn(browser, await browser.get(`${issuer}/sign-in`))
      const client = declaredClient('trap', trap, issuer)
      await exchange(client, await codeFor(browser, client))
      await browser.submit(
        await browser.get(`${issuer}/sign-out`),
        { decision: 'sign-out' },
        { action: '/sign-out' },
      )
      const unreachable = async () =>
        samplesOf(await (await fetch(`${trap}/metrics`)).text()).get(
          'gatehouse_logout_attempt_duration_seconds_count{outcome="unreachable"}',
        )
      await expect.poll(unreachable).toBe(1)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

function declaredClient(id: string, url: string, issuer: string): Client {
  const { oidc } = declaredApp(id, url)
  return {
    issuer,
    clientId: id,
    clientSecret: oidc.client_secret,
    redirectUri: `${url}/callback`,
    endpoints: gatewayEndpoints(issuer),
  }
}
