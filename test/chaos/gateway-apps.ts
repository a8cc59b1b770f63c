/** A whole gateway with many apps, each on a path of one server, and people who are signed in to them without having gone through pages. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type AccountId, type AppId, newId } from '#gateway/kernel/ids.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { startGateway, type TestGateway, type TestGatewayOptions } from '#test/support/gateway.ts'
import { claimsOf } from '#test/support/oauth.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import { startAppsApart } from './processes.ts'

export interface GatewayWithApps extends TestGateway {
  /** Where the app of this name is. */
  urlOf(name: string): string
  /** When the app of each `sid` heard that it has ended, by `performance.now()`. */
  readonly heardAt: ReadonlyMap<string, number>
  /** Each logout token as it came in. */
  readonly tokens: readonly string[]
  /** Connections that the app which never answers had at once, at most. */
  readonly mostAtTarpit: number
  /** Begins a session of ada's that has joined these apps; `idleSinceMs` ago it was used last. */
  signIn(
    apps: readonly string[],
    idleSinceMs?: number,
  ): Promise<{ readonly session: SsoSession; readonly sids: readonly string[] }>
}

/** The app of this name takes requests and never answers. */
export const tarpitName = 'tarpit'

export async function startGatewayWithApps(
  names: readonly string[],
  options: TestGatewayOptions & {
    /** What an app answers to a token, the n-th it was sent. */
    readonly answer?: (name: string, nth: number) => number
    /** The apps are a process of their own, which confirms everything: what they cost is not counted as the gateway's. */
    readonly apart?: boolean
  } = {},
): Promise<GatewayWithApps> {
  const heardAt = new Map<string, number>()
  const tokens: string[] = []
  const atTarpit = new Set<Socket>()
  let mostAtTarpit = 0
  const server = createServer((request, response) => {
    const name = request.url?.split('/')[1] ?? ''
    text(request)
      .then((body) => {
        const token = new URLSearchParams(body).get('logout_token') ?? ''
        tokens.push(token)
        if (name === tarpitName) {
          atTarpit.add(request.socket)
          mostAtTarpit = Math.max(mostAtTarpit, atTarpit.size)
          request.socket.once('close', () => atTarpit.delete(request.socket))
          return
        }
        const status = options.answer?.(name, tokens.length) ?? 200
        if (status === 200) heardAt.set(String(claimsOf(token)['sid']), performance.now())
        response.writeHead(status).end()
      })
      // The gateway hangs up on the tarpit: that is the point of it.
      .catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const apart = options.apart === true ? await startAppsApart((sid, at) => heardAt.set(sid, at)) : undefined
  const url = apart?.url ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const gateway = await startGateway({
    ...options,
    settings: {
      accounts: [ada],
      apps: names.map((name) => declaredApp(name, `${url}/${name}`)),
      ...options.settings,
    },
  })
  const { clock, random, stores } = gateway.gateway
  let signedIn = 0
  return {
    ...gateway,
    urlOf: (name) => `${url}/${name}`,
    heardAt,
    tokens,
    get mostAtTarpit() {
      return mostAtTarpit
    },
    signIn: async (apps, idleSinceMs = 0) => {
      const at = clock.now() - idleSinceMs
      const accountId = ada.id as AccountId
      const session: SsoSession = {
        id: newId('ssoSession', random),
        accountId,
        startedAt: at,
        authenticatedAt: at,
        lastSeenAt: at,
        remembered: false,
        acr: 'urn:gatehouse:acr:1',
        amr: ['pwd'],
        credentialIds: [],
        address: '127.0.0.1',
        userAgent: 'chaos',
      }
      const sids: string[] = []
      await gateway.gateway.transaction.run(async () => {
        await stores.sessions.insert(
          session,
          `secret-${signedIn++}`,
          at + gateway.gateway.config.sessions.idleMs,
        )
        for (const app of apps) {
          const id = newId('appSession', random)
          const joined = {
            id,
            ssoSessionId: session.id,
            accountId,
            appId: app as AppId,
            sid: `sid-${id}`,
            startedAt: at,
            lastSeenAt: at,
          }
          await stores.sessions.join(joined, undefined)
          sids.push(joined.sid)
        }
      })
      return { session, sids }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await gateway[Symbol.asyncDispose]()
      await apart?.[Symbol.asyncDispose]()
    },
  }
}
