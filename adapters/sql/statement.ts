import type { CompiledQuery, Kysely } from 'kysely'
import type { SqlDatabase } from './open.ts'
import type { Schema } from './schema.ts'

/**
 * A statement that is built once and run often. Building and compiling a query costs several times what SQLite needs to run it, so
 * the statements of each request are compiled at their first use, for whatever engine is there.
 *
 * @param build compiles the query from its arguments. It runs once, with stand-ins, so it must not look at them.
 */
export function createStatement<Arguments extends Readonly<Record<string, unknown>>, Row>(
  database: SqlDatabase,
  build: (q: Kysely<Schema>, of: Arguments) => CompiledQuery<Row>,
): (of: Arguments) => Promise<readonly Row[]> {
  let compiled: CompiledQuery<Row> | undefined
  let names: readonly (string | undefined)[] = []
  return async (of) => {
    if (compiled === undefined) {
      compiled = build(database.q(), standIns<Arguments>())
      names = compiled.parameters.map(nameOf)
    }
    const parameters = compiled.parameters.map((value, at) => {
      const name = names[at]
      return name === undefined ? value : of[name]
    })
    return (await database.execute<Row>({ ...compiled, parameters })).rows
  }
}

/** Marks the place of an argument; no real parameter is an instance of it. */
class StandIn {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

function standIns<Arguments>(): Arguments {
  return new Proxy({}, { get: (_, name) => new StandIn(String(name)) }) as Arguments
}

function nameOf(value: unknown): string | undefined {
  return value instanceof StandIn ? value.name : undefined
}
