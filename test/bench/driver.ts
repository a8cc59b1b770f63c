/** Sends the requests: few connections, kept open, and nothing on the way that costs more than what it measures. */
import { createHash, randomBytes } from 'node:crypto'
import { Pool } from 'undici'
import { clientSecret, redirectUri } from './clients.ts'
import type { Contestant } from './contestant.ts'

/** More would measure queues. */
const connections = 8

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Code {
  readonly code: string
  readonly verifier: string
}

export interface Driver extends AsyncDisposable {
  request(
    method: 'GET' | 'POST',
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Answer>
  /** An authorization under the browser's live session, and the code that came of it. */
  authorize(clientId: string): Promise<Code>
  exchange(clientId: string, code: Code): Promise<Tokens>
  refresh(clientId: string, refreshToken: string): Promise<Tokens>
  /** Runs `work` for each item, as many at once as there are connections. */
  each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]>
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
}

export function createDriver(contestant: Contestant, cookies: string): Driver {
  const { origin } = new URL(contestant.issuer)
  const pool = new Pool(origin.replace('localhost', '127.0.0.1'), { connections })
  const host = new URL(contestant.issuer).host

  const request: Driver['request'] = async (method, path, headers = {}, body) => {
    const answer = await pool.request({
      method,
      path,
      headers: { host, ...headers },
      ...(body === undefined ? {} : { body }),
    })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }

  const token = async (clientId: string, fields: Record<string, string>): Promise<Tokens> => {
    const answer = await request(
      'POST',
      contestant.paths.token,
      { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(clientId) },
      new URLSearchParams(fields).toString(),
    )
    if (answer.status !== 200)
      throw new Error(`${contestant.name}: ${answer.status} ${answer.text.slice(0, 300)}`)
    return JSON.parse(answer.text) as Tokens
  }

  return {
    request,
    authorize: async (clientId) => {
      const verifier = randomBytes(32).toString('base64url')
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state: 'bench',
        nonce: 'bench',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      })
      const answer = await request('GET', `${contestant.paths.authorize}?${query}`, { cookie: cookies })
      const code = new URL(String(answer.headers['location'] ?? ''), contestant.issuer).searchParams.get(
        'code',
      )
      if (code === null)
        throw new Error(
          `${contestant.name}: no code but ${answer.status} ${String(answer.headers['location'])}`,
        )
      return { code, verifier }
    },
    exchange: (clientId, { code, verifier }) =>
      token(clientId, {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: redirectUri,
      }),
    refresh: (clientId, refreshToken) =>
      token(clientId, { grant_type: 'refresh_token', refresh_token: refreshToken }),
    each: async (items, work) => {
      const results: Awaited<ReturnType<typeof work>>[] = []
      let next = 0
      const worker = async (): Promise<void> => {
        while (next < items.length) {
          const index = next++
          results[index] = await work(items[index] as (typeof items)[number])
        }
      }
      await Promise.all(Array.from({ length: connections }, worker))
      return results
    },
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

export function basic(clientId: string): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
}
