/** The published description of the API: OpenAPI 3.1, made of the operations themselves. */
import { z } from 'zod'
import type { ApiDeps } from './deps.ts'
import type { Named, Operation } from './operation.ts'

type Json = Readonly<Record<string, unknown>>

/** RFC 9457, as `http/problems` writes it. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('Stable, for programs.'),
  request_id: z.string().describe('By which an operator finds it in the log.'),
})

export function describeApi(
  deps: Pick<ApiDeps, 'issuer' | 'sessionCookie'>,
  operations: readonly Operation[],
): Json {
  const schemas = z.registry<{ id: string }>()
  schemas.add(problemSchema, { id: 'Problem' })
  for (const { answer, body } of operations) {
    for (const named of [answer, body]) if (named !== undefined) register(schemas, named)
  }
  const described = z.toJSONSchema(schemas, { io: 'input', uri: refOf })
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const path = `/api/v1${operation.path}`
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describeOperation(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version: '1',
      description:
        'Sessions of people, the Logouts that ended them, and how far telling their apps has come. Times are ISO 8601 in UTC. Lists come the newest first, in pages: go on with `next_cursor` until it is null. Errors are problem documents (RFC 9457).',
    },
    servers: [{ url: deps.issuer }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(described.schemas).map(([name, { $id: _id, $schema: _schema, ...schema }]) => [
          name,
          schema,
        ]),
      ),
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key made with `gatehouse api-key create`.',
        },
        operator: {
          type: 'apiKey',
          in: 'cookie',
          name: deps.sessionCookie,
          description:
            "An operator's session. Whatever is not a GET then also takes `Origin` of the gateway and the header `X-Gatehouse: 1`, and a proof of who they are that is younger than ten minutes.",
        },
      },
    },
  }
}

function describeOperation(operation: Operation): Json {
  const { operationId, summary, description, scope, query, body, answer, answerType, path } = operation
  const ids = path.includes('{id}')
    ? [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }]
    : []
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    security: [{ apiKey: [scope] }, { operator: [] }],
    parameters: [...ids, ...parametersOf(query)],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(refOf(body.name)) } }),
    responses: {
      '200': { description: 'Done.', content: json(refOf(answer.name), answerType) },
      ...Object.fromEntries(
        [
          ['400', 'A parameter or a field is unknown or not valid: `parameter` or `field` names it.'],
          ['401', 'No key, or one that is unknown, revoked or expired.'],
          ['403', 'The key lacks the scope, or the session is not of an operator.'],
          ...(ids.length === 0 ? [] : [['404', 'There is nothing of that id.']]),
          ['default', 'Anything else that went wrong.'],
        ].map(([status, words]) => [
          status,
          { description: words, content: json(refOf('Problem'), 'application/problem+json') },
        ]),
      ),
    },
  }
}

function parametersOf(query: z.ZodObject): readonly Json[] {
  return Object.entries(query.shape).map(([name, field]) => {
    const { $schema: _schema, description, ...schema } = z.toJSONSchema(field as z.ZodType, { io: 'input' })
    return {
      name,
      in: 'query',
      required: false,
      ...(description === undefined ? {} : { description }),
      schema,
    }
  })
}

function register(schemas: z.core.$ZodRegistry<{ id: string }>, { name, schema }: Named): void {
  if (!schemas.has(schema)) schemas.add(schema, { id: name })
}

function refOf(name: string): string {
  return `#/components/schemas/${name}`
}

function json(ref: string, type = 'application/json'): Json {
  return { [type]: { schema: { $ref: ref } } }
}
