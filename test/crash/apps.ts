import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, claimsOf, gatewayEndpoints } from '#test/support/oauth.ts'

/** So many apps that their telling takes a while, each on a path of one server. */
export interface CrashApps extends AsyncDisposable {
  readonly ids: readonly string[]
  readonly frontIds: readonly string[]
  /** As an operator declares them. */
  declared(): readonly Record<string, unknown>[]
  client(issuer: string, id: string): Client
  /** How often each app heard of the end of which of its sessions. */
  heard(): ReadonlyMap<string, readonly string[]>
}

/** An app answers within this, so that at any moment some have answered, some are about to, and some have not heard yet. */
const slowestAnswerMs = 200

/** Starts apps that all answer, each in its own time. `delayFraction` gives numbers in [0, 1). `fronts`: more apps that only a browser can tell. */
export async function startCrashApps(
  count: number,
  delayFraction: () => number,
  fronts = 0,
): Promise<CrashApps> {
  const frontIds = Array.from({ length: fronts }, (_, at) => `front-${at}`)
  const ids = Array.from({ length: count }, (_, at) => `app-${at}`)
  const heard = new Map<string, string[]>(ids.map((id) => [id, []]))
  const server = createServer((request, response) => {
    text(request)
      .then(async (body) => {
        const claims = claimsOf(new URLSearchParams(body).get('logout_token') ?? '')
        heard.get(request.url?.slice(1) ?? '')?.push(String(claims['sid']))
        await sleep(delayFraction() * slowestAnswerMs)
        response.writeHead(200).end()
      })
      // The gateway is killed while it talks to us: that is the point of all this.
      .catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ids,
    frontIds,
    heard: () => heard,
    declared: () =>
      [...ids, ...frontIds].map((id) => ({
        id,
        name: id,
        first_party: true,
        oidc: {
          client_secret: secretOf(id),
          redirect_uris: [redirectUriOf(id)],
          ...(frontIds.includes(id)
            ? { frontchannel_logout_uri: `http://127.0.0.1/${id}/logout` }
            : { backchannel_logout_uri: `${url}/${id}`, backchannel_logout_session_required: true }),
          id_token_signed_response_alg: 'ES256',
        },
      })),
    client: (issuer, id) => ({
      issuer,
      clientId: id,
      clientSecret: secretOf(id),
      redirectUri: redirectUriOf(id),
      endpoints: gatewayEndpoints(issuer),
    }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const secretOf = (id: string): string => `${id}-secret-`.repeat(4)
const redirectUriOf = (id: string): string => `http://127.0.0.1/${id}/callback`
