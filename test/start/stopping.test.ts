import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createBrowser } from '#test/support/browser.ts'
import { freePort } from '#test/support/gateway.ts'
import { startGatewayProcess } from '#test/support/gateway-process.ts'
import { codeFor, gatewayEndpoints } from '#test/support/oauth.ts'
import { ada, declaredApp, signInOn } from '#test/support/two-apps.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('asked to stop', () => {
  test('the gateway lets a request in flight finish, also when it is asked twice at once', async () => {
    await using place = await configure()
    await using gateway = await startGatewayProcess(place.file)
    const request = halfOfARequest(place.port)
    await request.sent

    // npm hands on a signal that the terminal has sent to both (DECISIONS 49).
    gateway.signal('SIGTERM')
    gateway.signal('SIGINT')
    await gateway.said('Stopping')
    await expect.poll(() => isListening(place.port)).toBe(false)
    expect(await request.finish()).toMatch(/^HTTP\/1\.1 \d{3} /)
    expect(await gateway.ended).toBe(0)
  })

  test('and asked again later, it leaves at once', async () => {
    await using place = await configure()
    await using gateway = await startGatewayProcess(place.file)
    const request = halfOfARequest(place.port)
    await request.sent
    gateway.signal('SIGTERM')
    await gateway.said('Stopping')
    const impatient = setInterval(() => gateway.signal('SIGTERM'), 100)
    try {
      expect(await gateway.ended).toBe(1)
    } finally {
      clearInterval(impatient)
      request.abandon()
    }
  })

  test('the gateway does not wait for pages that watch a sign-out', { timeout: 15_000 }, async () => {
    await using place = await configure()
    await using gateway = await startGatewayProcess(place.file)
    const browser = createBrowser()
    await signInOn(browser, await browser.get(`${place.issuer}/sign-in`))
    await codeFor(browser, { ...place.app, issuer: place.issuer, endpoints: gatewayEndpoints(place.issuer) })
    const signedOut = await browser.submit(
      await browser.get(`${place.issuer}/sign-out`),
      { decision: 'sign-out' },
      { action: '/sign-out' },
    )
    expect(signedOut.url).toContain('/sign-out/lgo_')
    const events = await fetch(`${signedOut.url}/events`, {
      headers: {
        cookie: [...browser.cookiesFor(signedOut.url)].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    expect(events.headers.get('content-type')).toContain('text/event-stream')

    gateway.signal('SIGTERM')
    // An orderly end: the page comes back by itself, to the gateway's next process.
    await expect(events.text()).resolves.toContain('event: report')
    expect(await gateway.ended).toBe(0)
  })

  test('npm is not all that stops: SIGTERM to `npm start` reaches the gateway', async () => {
    await using place = await configure()
    const npm = spawn('npm', ['start', '--silent', '--', '--config', place.file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    npm.stdout.setEncoding('utf8')
    for await (const words of npm.stdout.iterator({ destroyOnReturn: false })) {
      if (String(words).includes('Gatehouse is ready')) break
    }
    npm.stdout.resume()
    expect(await isListening(place.port)).toBe(true)
    npm.kill('SIGTERM')
    await once(npm, 'exit')
    await expect.poll(() => isListening(place.port)).toBe(false)
  })
})

describe('a start that cannot succeed', () => {
  test('says that the port is taken, and what to do', async () => {
    await using place = await configure()
    await using gateway = await startGatewayProcess(place.file)
    await expect(startGatewayProcess(place.file)).rejects.toThrow(
      `Port ${place.port} on 127.0.0.1 is taken. Is the gateway running already?`,
    )
    await gateway.stop()
  })
})

/** A folder of its own with a configuration that knows ada, and an app that is not running. */
async function configure() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-start-'))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const file = join(folder, 'gatehouse.yaml')
  const board = declaredApp('board', `http://127.0.0.1:${await freePort()}`)
  writeFileSync(
    file,
    stringify({
      issuer,
      listen: { host: '127.0.0.1', port },
      data_dir: './data',
      accounts: [ada],
      apps: [board],
    }),
  )
  return {
    issuer,
    port,
    file,
    app: {
      clientId: board.id,
      clientSecret: board.oidc.client_secret,
      redirectUri: board.oidc.redirect_uris[0] ?? '',
    },
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A form of which the last byte is still to come. */
function halfOfARequest(port: number) {
  const socket = connect(port, '127.0.0.1')
  const sent = new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.write(
      `POST /oauth/token HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`,
    )
    // The gateway has begun with it.
    socket.once('data', () => resolve())
  })
  return {
    sent,
    finish: () => {
      socket.write('a=')
      return text(socket)
    },
    abandon: () => socket.destroy(),
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
