import { describe, expect, test } from 'vitest'
import type { AppCheckReport } from '#gateway/logout/app-check.ts'
import { type Overlooked, openLogoutEndpoint } from '#test/apps/logout-endpoint.ts'
import { freePort, startGateway } from '#test/support/gateway.ts'
import { declaredApp } from '#test/support/two-apps.ts'
import { openCommandLine, parsed } from './run-gatehouse.ts'

/** Each command is a process of its own, and the machine may be busy. */
const timeout = 120_000

async function shellBeside(overlooks: readonly Overlooked[]) {
  const port = await freePort()
  const app = await openLogoutEndpoint({ issuer: `http://localhost:${port}`, clientId: 'wiki', overlooks })
  const { backchannel_logout_uri: _, ...untold } = declaredApp('board', app.url).oidc
  const server = await startGateway({
    port,
    realTime: true,
    settings: {
      apps: [
        declaredApp('wiki', app.url),
        { ...declaredApp('board', app.url), oidc: untold },
        declaredApp('gone', 'http://127.0.0.1:4001', {}, { backchannel_logout_uri: 'http://127.0.0.1:9/' }),
        declaredApp(
          'loop',
          'http://127.0.0.1:4001',
          {},
          { backchannel_logout_uri: `http://127.0.0.1:${port}/` },
        ),
      ],
    },
  })
  return {
    shell: openCommandLine(server.folder),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

describe('gatehouse app check', { timeout }, () => {
  test('says per case what was expected and what came, with the clause, and exits with 0 where nothing failed', async () => {
    await using world = await shellBeside(['jti'])
    const ran = await world.shell.gatehouse('app', 'check', 'wiki')
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toMatch(/^reached +yes, in \d+ ms$/m)
    expect(ran.out).toMatch(/^passed +for another app +400 +400, .* section 2\.6, step 4$/m)
    expect(ran.out).toMatch(/^advice +the same good token again +400, or 200 +200 /m)
    expect(ran.out).toContain('The app does not remember jti.')
    expect(ran.out).toMatch(/15 passed, 0 failed, 1 with advice\.$/m)
  })

  test('exits with 1 when a case failed, and prints the same report as JSON', async () => {
    await using world = await shellBeside(['aud', 'nonce'])
    const ran = await world.shell.gatehouse('app', 'check', 'wiki', '--json')
    expect(ran).toMatchObject({ code: 1, err: 'gatehouse: wiki failed 2 cases.\n' })
    const report = parsed<AppCheckReport>(ran)
    expect(report.outcome).toBe('failed')
    expect(report.cases.filter(({ verdict }) => verdict === 'failed').map(({ id }) => id)).toEqual([
      'wrong-aud',
      'with-nonce',
    ])
  })

  test('says plainly that an app cannot be reached, or cannot be told, or is not there', async () => {
    await using world = await shellBeside([])
    const gone = await world.shell.gatehouse('app', 'check', 'gone')
    expect(gone).toMatchObject({ code: 1, err: 'gatehouse: gone could not be reached.\n' })
    expect(gone.out).toContain('It could not be reached.')
    const loop = await world.shell.gatehouse('app', 'check', 'loop')
    expect(loop.code).toBe(1)
    expect(loop.out).toContain('Its address may not be called from here.')
    const untold = await world.shell.gatehouse('app', 'check', 'board')
    expect(untold).toMatchObject({ code: 0, err: '' })
    expect(untold.out).toContain('no back-channel logout address')
    expect((await world.shell.gatehouse('app', 'check', 'nothing')).code).toBe(1)
  })
})
