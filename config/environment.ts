import { z } from 'zod'
import { bare, fieldsOf, hintOf, itemOf, readText, schemaAt } from './hints.ts'
import { nearest } from './nearest.ts'
import type { ConfigurationProblem } from './problems.ts'
import { settingsSchema } from './schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const prefix = 'GATEHOUSE_'

/** Names that start like settings but are read elsewhere. */
const otherNames: readonly string[] = ['GATEHOUSE_CONFIG', 'GATEHOUSE_TEST_WITHOUT']

/** A setting that the environment can give, by its path: `sessions.idle` is `GATEHOUSE_SESSIONS__IDLE`. */
export interface EnvironmentSetting {
  readonly path: readonly string[]
  readonly schema: z.ZodType
}

/** Every scalar and every list of scalars, found by walking the schema: a new setting gets its name by being there. */
export const environmentSettings: ReadonlyMap<string, EnvironmentSetting> = new Map(
  collect(settingsSchema, []).map((setting) => [environmentName(setting.path), setting]),
)

/** Levels are joined by two underscores, since keys hold single ones. */
export function environmentName(path: readonly string[]): string {
  return prefix + path.map((key) => key.toUpperCase()).join('__')
}

function collect(schema: z.ZodType, path: readonly string[]): EnvironmentSetting[] {
  const fields = fieldsOf(schema)
  if (fields !== undefined) {
    return Object.entries(fields).flatMap(([key, field]) => collect(field, [...path, key]))
  }
  const item = itemOf(schema)
  // Apps and accounts are lists of objects, which one line of text cannot say.
  if (item !== undefined && bare(item) instanceof z.ZodObject) return []
  return [{ path, schema }]
}

export interface EnvironmentOverride {
  readonly name: string
  readonly path: readonly string[]
  /** The key beside it that the override silences: a secret and the file it may come from exclude each other. */
  readonly twin: string | undefined
  readonly value: unknown
}

/** What the environment sets, and what it seems to want to set but cannot. An empty value counts as absent. */
export function readEnvironment(environment: Environment): {
  overrides: EnvironmentOverride[]
  problems: ConfigurationProblem[]
} {
  const overrides: EnvironmentOverride[] = []
  const problems: ConfigurationProblem[] = []
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined || text === '' || otherNames.includes(name)) continue
    const setting = environmentSettings.get(name)
    if (setting === undefined) problems.push(unknownName(name))
    else
      overrides.push({
        name,
        path: setting.path,
        twin: twinOf(setting.path),
        value: readText(setting.schema, text),
      })
  }
  return { overrides, problems }
}

function unknownName(name: string): ConfigurationProblem {
  const meant = nearest(name, [...environmentSettings.keys()])
  const expected = meant === undefined ? 'the name of a setting' : meant
  return {
    path: name,
    origin: 'environment',
    found: 'an unknown name',
    expected,
    message: `unknown name${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  }
}

function twinOf(path: readonly string[]): string | undefined {
  const siblings = fieldsOf(schemaAt(settingsSchema, path.slice(0, -1)) ?? settingsSchema) ?? {}
  const key = path.at(-1) ?? ''
  const twin = key.endsWith('_file') ? key.slice(0, -'_file'.length) : `${key}_file`
  const secret = siblings[key.endsWith('_file') ? twin : key]
  return secret !== undefined && hintOf(secret).secret === true ? twin : undefined
}
