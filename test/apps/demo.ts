import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '#config/load.ts'
import type { DeclaredApp } from '#config/resolved.ts'
import { guidePage, guideText, originOf } from './demo-guide.ts'
import { createDemoProcess, type DemoProcess } from './demo-process.ts'

/**
 * `npm run demo`: the gateway with config/demo.yaml, a sample app for each app declared there, and a page that says what to try.
 *
 * Owns: the processes it starts. All of them end when the gateway ends, or when this one is asked to. An app may be down, and is at a
 * click on the page: what a sign-out does about that is what there is to see.
 */
const demoFile = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url))
const guidePort = 4000

const { config } = loadConfig({
  file: demoFile,
  environment: process.env,
  workingDirectory: process.cwd(),
})
let stopping = false

const gateway = createDemoProcess(
  { command: ['gateway/main.ts', '--config', demoFile], url: `${config.issuer}/readyz` },
  (how) => {
    if (stopping) return
    say(`demo: the gateway ended (${how}); stopping the rest`)
    void stop(1)
  },
)
const apps: ReadonlyMap<string, DemoProcess> = new Map(
  config.apps.map((app) => [
    app.id,
    createDemoProcess(
      {
        command: ['test/apps/sample-app.ts'],
        environment: environmentOf(app),
        url: `${originOf(app)}/favicon.ico`,
      },
      (how) => !stopping && say(`demo: ${app.name} ended (${how})`),
    ),
  ]),
)

const guide = createServer((request, response) => {
  request.resume()
  const [, id = '', verb = ''] = /^\/apps\/([^/]+)\/(start|stop)$/.exec(request.url ?? '') ?? []
  const app = apps.get(id)
  if (request.method === 'POST' && app !== undefined) {
    // Other sites may send forms here as well.
    if ((request.headers['sec-fetch-site'] ?? 'same-origin') !== 'same-origin') {
      response.writeHead(403).end()
      return
    }
    void (verb === 'stop' ? app.stop() : app.start()).then(() =>
      response.writeHead(303, { location: '/' }).end(),
    )
    return
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(guidePage(config, (of) => apps.get(of)?.running === true))
})
guide.on('error', (error) => {
  say(`demo: its page cannot be shown: ${error.message}. Is another demo running?`)
  void stop(1)
})

// Ctrl-C reaches the children as well; being asked twice is nothing to them, nor to us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))

if (await isUp(gateway, 'the gateway', config.issuer)) {
  for (const app of config.apps) await isUp(apps.get(app.id), app.name, originOf(app))
  guide.listen(guidePort, '127.0.0.1', () => say(guideText(config, `http://127.0.0.1:${guidePort}/`)))
} else {
  await stop(1)
}

async function isUp(program: DemoProcess | undefined, name: string, address: string): Promise<boolean> {
  const outcome = await program?.start()
  if (outcome === 'taken') say(`demo: ${name} cannot start: something else answers at ${address} already.`)
  if (outcome === 'failed' && !stopping) say(`demo: ${name} does not answer at ${address}.`)
  return outcome === 'ready'
}

function environmentOf(app: DeclaredApp): Record<string, string> {
  return {
    NAME: app.name,
    PORT: new URL(originOf(app)).port,
    ISSUER: config.issuer,
    CLIENT_ID: app.oidc.client_id,
    CLIENT_SECRET: app.oidc.client_secret ?? '',
  }
}

/** Asks every process to end, and sees to it that it does. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  guide.close()
  await Promise.all([gateway, ...apps.values()].map((each) => each.stop()))
  process.exit(exitCode)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
