import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '#config/load.ts'
import type { DeclaredApp } from '#config/resolved.ts'
import { guidePage, guideText } from './demo-guide.ts'

/**
 * `npm run demo`: the gateway with config/demo.yaml, a sample app for each app declared there, and a page that says what to try.
 *
 * Owns: the processes it starts. All of them end when one of them ends, or when this one is asked to.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const demoFile = `${root}config/demo.yaml`
const guidePort = 4000

/** The gateway drains first; whoever takes longer is not going to end by asking. */
const stopWithinMs = 10_000
const readyWithinMs = 30_000
const askAgainMs = 100

const { config } = loadConfig({ file: demoFile, environment: process.env, workingDirectory: root })
const children: ChildProcess[] = []
const guide = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(guidePage(config))
})
let stopping = false

// Ctrl-C reaches the children as well; being asked twice is nothing to them, nor to us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))
guide.on('error', (error) => say(`demo: the page cannot be shown: ${error.message}`))

start('gateway', ['gateway/main.ts', '--config', demoFile], {})
// Apps that start before their gateway would begin with an error.
if (await isReady()) {
  for (const app of config.apps) start(app.id, ['test/apps/sample-app.ts'], environmentOf(app))
  guide.listen(guidePort, '127.0.0.1')
  say(guideText(config, `http://127.0.0.1:${guidePort}/`))
} else {
  say(`demo: the gateway did not answer at ${config.issuer} within ${readyWithinMs / 1_000} s`)
  await stop(1)
}

function start(
  name: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): void {
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  children.push(child)
  child.on('exit', (code, signal) => {
    if (stopping) return
    say(`demo: ${name} ended (${signal ?? `exit code ${code}`}); stopping the rest`)
    void stop(1)
  })
}

function environmentOf(app: DeclaredApp): Record<string, string> {
  return {
    NAME: app.name,
    PORT: new URL(app.launchUrl ?? app.oidc.redirect_uris[0] ?? '').port,
    ISSUER: config.issuer,
    CLIENT_ID: app.oidc.client_id,
    CLIENT_SECRET: app.oidc.client_secret ?? '',
  }
}

async function isReady(): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < readyWithinMs; waitedMs += askAgainMs) {
    const answer = await fetch(`${config.issuer}/readyz`).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok === true) return true
    await pause(askAgainMs)
  }
  return false
}

/** Asks every process to end, and sees to it that it does. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  guide.close()
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null)
  const ended = Promise.all(running.map((child) => once(child, 'exit')))
  for (const child of running) child.kill('SIGTERM')
  setTimeout(() => running.forEach((child) => void child.kill('SIGKILL')), stopWithinMs).unref()
  await ended
  process.exit(exitCode)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
