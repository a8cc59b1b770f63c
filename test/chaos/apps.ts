/**
 * Apps in a process of their own, all on one server, each on a path of its name: what they cost must not be counted as the gateway's. Confirms
 * every logout token, and says ten times a second which sessions it has heard of and when.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { claimsOf } from '#test/support/oauth.ts'
import type { FromApps } from './processes.ts'

const reportEveryMs = 100
/** `sid` and the time of day in ms. */
let heard: [string, number][] = []

const server = createServer((request, response) => {
  text(request)
    .then((body) => {
      heard.push([String(claimsOf(new URLSearchParams(body).get('logout_token') ?? '')['sid']), Date.now()])
      response.writeHead(200).end()
    })
    .catch(() => response.destroy())
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
say({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
setInterval(() => {
  if (heard.length === 0) return
  say({ heard })
  heard = []
}, reportEveryMs)
process.once('disconnect', () => process.exit())

function say(message: FromApps): void {
  process.send?.(message)
}
