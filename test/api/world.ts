/** A gateway with an operator, a person and two apps, and what calls its API: programs with keys, and browsers with cookies. */
import { z } from 'zod'
import type { Account } from '#gateway/accounts/account.ts'
import { type ApiScope, apiScopes } from '#gateway/administration/api-key.ts'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { app, type Portal, startPortal } from '#test/portal/portal.ts'
import type { TestGatewayOptions } from '#test/support/gateway.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'

export const byShell = { kind: 'command-line' } as const

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

export interface Asked {
  readonly key?: string
  /** Of a browser that has signed in. */
  readonly cookie?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly raw?: string
}

export interface World extends Portal {
  readonly operator: Account
  readonly person: Account
  readonly wiki: Receiver
  /** Asks below `/api`. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>
  /** A key with these scopes; with all unless told. */
  key(...scopes: readonly ApiScope[]): Promise<string>
  cookieOf(account: Account): Promise<string>
  /** A live session of the person, in which these apps were opened; from a browser at that address. */
  begin(...apps: readonly string[]): Promise<SsoSession>
  /** One that was ended by the command line, and its Logout. */
  ended(...apps: readonly string[]): Promise<{ readonly session: SsoSession; readonly logoutId: LogoutId }>
}

export async function startWorld(options: TestGatewayOptions = {}): Promise<World> {
  const wiki = await openReceiver()
  const portal = await startPortal({
    ...options,
    settings: { apps: [app('wiki', 'Wiki', `${wiki.url}/logout`), app('mute', 'Mute')] },
  })
  const { gateway, issuer } = portal
  const operator = await portal.addPerson({ email: 'olga@example.com', name: 'Olga', operator: true })
  const person = await portal.addPerson({ email: 'ada@example.com', name: 'Ada' })
  const begin: World['begin'] = async (...apps) => {
    await portal.signedIn(person.email)
    const [session] = await portal.sessionsOf(person)
    if (session === undefined) throw new Error('the person did not sign in')
    for (const each of apps) await portal.join(session, each)
    return session
  }
  return Object.assign(portal, {
    operator,
    person,
    wiki,
    ask: (method: string, path: string, asked: Asked = {}) => ask(`${issuer}/api${path}`, method, asked),
    key: async (...scopes: readonly ApiScope[]) => {
      const wanted = scopes.length === 0 ? apiScopes : scopes
      return (await gateway.commands.apiKeys.create({ name: 'a program', scopes: wanted }, byShell)).secret
    },
    cookieOf: async (account: Account) => {
      const visitor = await portal.signedIn(account.email)
      return `${gateway.cookieNames.session}=${visitor.sessionCookie}`
    },
    begin,
    ended: async (...apps: readonly string[]) => {
      const session = await begin(...apps)
      const { logoutId } = await gateway.commands.sessions.end(session.id, byShell)
      if (logoutId === undefined) throw new Error('it was live')
      return { session, logoutId }
    },
    [Symbol.asyncDispose]: disposeBoth(portal, wiki),
  })
}

function disposeBoth(portal: Portal, wiki: Receiver): () => Promise<void> {
  const dispose = portal[Symbol.asyncDispose].bind(portal)
  return async () => {
    await dispose()
    await wiki[Symbol.asyncDispose]()
  }
}

async function ask(url: string, method: string, asked: Asked): Promise<Answer> {
  const body = asked.raw ?? (asked.json === undefined ? undefined : JSON.stringify(asked.json))
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(asked.key === undefined ? {} : { authorization: `Bearer ${asked.key}` }),
      ...(asked.cookie === undefined ? {} : { cookie: asked.cookie }),
      ...(asked.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...asked.headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} }
}

export interface PublishedOperation {
  readonly method: string
  /** As published, with `{id}`. */
  readonly path: string
  readonly scope: ApiScope
  readonly answer: z.ZodType
  readonly type: string
}

/** What `/api/openapi.json` says there is, its schemas ready to hold answers against. */
export async function published(world: Pick<World, 'ask'>): Promise<{
  readonly operations: readonly PublishedOperation[]
  readonly problem: z.ZodType
}> {
  const { text } = await world.ask('GET', '/openapi.json')
  const description = JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as Description
  const schemaOf = ($ref: string) =>
    z.fromJSONSchema({ $ref, $defs: description.components.schemas } as never)
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, responses }]) => ({
      method: method.toUpperCase(),
      path: path.replace(/^\/api/, ''),
      scope: security[0]?.apiKey?.[0] as ApiScope,
      ...answerOf(responses['200']?.content ?? {}, schemaOf),
    })),
  )
  return { operations, problem: schemaOf('#/$defs/Problem') }
}

function answerOf(
  content: Record<string, { readonly schema: { readonly $ref: string } }>,
  schemaOf: ($ref: string) => z.ZodType,
) {
  const [[type, { schema }] = unpublished()] = Object.entries(content)
  return { type, answer: schemaOf(schema.$ref) }
}

function unpublished(): never {
  throw new Error('an operation is published without what it answers')
}

interface Description {
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly security: readonly { readonly apiKey?: readonly string[] }[]
        readonly responses: Record<
          string,
          { readonly content: Record<string, { readonly schema: { readonly $ref: string } }> }
        >
      }
    >
  >
  readonly components: { readonly schemas: Record<string, unknown> }
}
