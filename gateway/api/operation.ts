/**
 * What one route of the API is: its rights, what it takes, what it answers. The router, the published description and the tests are
 * made of the same list, so that none of them can know a route that the others do not.
 */
import { z } from 'zod'
import type { ApiScope } from '../administration/api-key.ts'
import type { ScopedAdministrator } from '../administration/permission.ts'
import { GatewayError } from '../kernel/errors.ts'

export interface Call<Query, Body> {
  /** What stands in the path for `{id}`, as it was sent. */
  readonly id: string
  readonly query: Query
  readonly body: Body
  /** Who asks; has the operation's scope. Commands look again. */
  readonly by: ScopedAdministrator
}

export interface Operation {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below `/api/v1`, with `{id}` for an id. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly scope: ApiScope
  readonly query: z.ZodObject
  readonly body?: Named
  readonly answer: Named
  /** What it answers with instead of JSON: the text is then the whole answer. */
  readonly answerType?: string
  readonly handle: (call: Call<unknown, unknown>) => Promise<unknown>
}

/** A schema with the name that the published description gives it. */
export interface Named<Schema extends z.ZodType = z.ZodType> {
  readonly name: string
  readonly schema: Schema
}

const nothing = z.strictObject({})

/** An operation whose handler is held to its schemas. */
export function operation<
  Answer extends z.ZodType,
  Query extends z.ZodObject = typeof nothing,
  Body extends z.ZodType = typeof nothing,
>(of: {
  readonly method: Operation['method']
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly scope: ApiScope
  /** Without one it takes no parameters. */
  readonly query?: Query
  /** Without one it takes no body. */
  readonly body?: Named<Body>
  readonly answer: Named<Answer>
  readonly answerType?: string
  readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Promise<z.input<Answer>>
}): Operation {
  const { handle, query, ...rest } = of
  return {
    ...rest,
    query: query ?? nothing,
    // What the router hands over has been through these schemas.
    handle: (call) => handle(call as Call<z.output<Query>, z.output<Body>>),
  }
}

/**
 * The value when it is what the schema wants. Throws GatewayError `input_invalid` that names the first member that is not: words of
 * ours in the message, and a name that only the request knows in a member of its own.
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  part: 'parameter' | 'field',
): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') {
    const name = [...issue.path, issue.keys[0]].join('.')
    throw invalid(`There is no such ${part} here.`, part, name)
  }
  const name = issue?.path.join('.') ?? ''
  throw invalid(name === '' ? `${issue?.message}.` : `${name}: ${issue?.message}.`, part, name)
}

/** `name` may come from the request: cut to what is safe to show in a line. */
function invalid(message: string, part: string, name: string): GatewayError {
  const shown = name.replaceAll(/[^\x20-\x7e]/g, '\u{FFFD}').slice(0, 64)
  return new GatewayError('input_invalid', message, { extension: { [part]: shown } })
}
