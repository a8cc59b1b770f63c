import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createListener } from '#gateway/http/listener.ts'

/** Every sample of a text in Prometheus' format: `name{label="value"}` and its value. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

/** A listener of its own on a free loopback port, as `serve` opens it for metrics. */
export async function listeningWith(handle: RequestListener | undefined) {
  if (handle === undefined) throw new Error('there is nothing to listen with')
  const server = createListener(handle)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    read: async () => samplesOf(await (await fetch(`${url}/metrics`)).text()),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
