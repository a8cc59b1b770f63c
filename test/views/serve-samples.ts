/** Serves the sample pages on loopback, with their assets and under the headers that the gateway itself sends. */
import Koa, { type Middleware } from 'koa'
import { serveAssets } from '#gateway/http/assets.ts'
import { securityHeaders } from '#gateway/http/security-headers.ts'
import { assets } from '#views/assets.ts'
import { themeCss } from '#views/theme.ts'
import { samplePages } from './pages.ts'

export interface SampleServer extends AsyncDisposable {
  /** On the name `localhost`, because passkeys know no bare address. */
  readonly origin: string
}

/** Listens on a free port. `accent` is the operator's colour, `answers` what the scripts of a page find there. */
export async function serveSamples(
  options: { accent?: string; answers?: Middleware } = {},
): Promise<SampleServer> {
  const theme = { path: '/assets/theme.css', contentType: 'text/css', body: themeCss(options.accent ?? '') }
  const app = new Koa()
  app.use(securityHeaders('http://localhost'))
  app.use(serveAssets([...assets, theme]))
  app.use(async (ctx, next) => {
    const sample = samplePages.find(({ name }) => ctx.path === `/${name}`)
    if (sample !== undefined && ctx.method === 'GET') ctx.body = sample.text
    else await next()
  })
  if (options.answers !== undefined) app.use(options.answers)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
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
