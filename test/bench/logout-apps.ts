/** The apps: so many listeners that answer 200 at once, in a process of their own, so that what they cost is nobody's. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monotonicMs, serveAsChild } from './child.ts'

export type AppsQuestion =
  /** Counts from zero; answered at once. */
  | { readonly kind: 'count' }
  /** When the `nth` since then had come, ms on the machine's clock; answered when it has. */
  | { readonly kind: 'arrival'; readonly nth: number }

const arrivals: number[] = []
let noticed = (): void => {}

const servers = await Promise.all(
  Array.from({ length: Number(process.argv[2]) }, async () => {
    const server = createServer((request, response) => {
      request.resume().once('end', () => {
        arrivals.push(monotonicMs())
        response.writeHead(200).end()
        noticed()
      })
    })
    // Connections stay open from one round to the next: what is measured is warm.
    server.keepAliveTimeout = 600_000
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }),
)

serveAsChild<AppsQuestion, number>(
  servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/logout`),
  async (question) => {
    if (question.kind === 'count') {
      arrivals.length = 0
      return 0
    }
    while (arrivals.length < question.nth)
      await new Promise<void>((resolve) => {
        noticed = resolve
      })
    return arrivals[question.nth - 1] ?? Number.NaN
  },
  async () => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    await Promise.resolve()
  },
)
