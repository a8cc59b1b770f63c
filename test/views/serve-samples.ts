/** Serves the sample pages with their assets on loopback, under the headers the gateway sends. */
import { createServer } from 'node:http'
import { assets } from '#views/assets.ts'
import { themeCss } from '#views/theme.ts'
import { samplePages } from './pages.ts'

const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

export interface SampleServer extends AsyncDisposable {
  readonly origin: string
}

/** Listens on a free port; `accent` is the operator's colour. */
export async function serveSamples(accent = ''): Promise<SampleServer> {
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', contentSecurityPolicy)
    const page = samplePages.find(({ name }) => request.url === `/${name}`)
    const asset = assets.find(({ path }) => request.url === path)
    if (page !== undefined) response.setHeader('content-type', 'text/html; charset=utf-8').end(page.text)
    else if (asset !== undefined) response.setHeader('content-type', asset.contentType).end(asset.body)
    else if (request.url === '/assets/theme.css')
      response.setHeader('content-type', 'text/css').end(themeCss(accent))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port')
  return {
    origin: `http://localhost:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
