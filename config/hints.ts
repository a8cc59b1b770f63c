import { z } from 'zod'

/** What a value's type alone does not say about it. Kept beside the schema so that the published JSON Schema stays standard. */
export interface Hint {
  /** The end of "expected …", in words an operator knows. */
  readonly expected?: string
  /** Never shown; may come from a file named by `<key>_file`. */
  readonly secret?: boolean
  /** Relative to the configuration file's folder. */
  readonly path?: boolean
}

const hints = z.registry<Hint>()

export function withHint<Schema extends z.ZodType>(schema: Schema, hint: Hint): Schema {
  const own = schema.clone()
  hints.add(own, { ...hints.get(schema), ...hint })
  return own
}

/** The schema's hint; what a default or an optional wraps counts too. */
export function hintOf(schema: z.ZodType): Hint {
  const inner = unwrapOnce(schema)
  return { ...(inner === undefined ? {} : hintOf(inner)), ...hints.get(schema) }
}

/** The schema without its defaults and optionals. */
export function bare(schema: z.ZodType): z.ZodType {
  const inner = unwrapOnce(schema)
  return inner === undefined ? schema : bare(inner)
}

function unwrapOnce(schema: z.ZodType): z.ZodType | undefined {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodReadonly
  ) {
    return schema.unwrap() as z.ZodType
  }
  return undefined
}

/** The keys of an object schema with their schemas; undefined for anything that is not an object. */
export function fieldsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const object = bare(schema)
  return object instanceof z.ZodObject ? (object.shape as Record<string, z.ZodType>) : undefined
}

/** The schema of a list's items; undefined for anything that is not a list. */
export function itemOf(schema: z.ZodType): z.ZodType | undefined {
  const list = bare(schema)
  return list instanceof z.ZodArray ? (list.element as z.ZodType) : undefined
}

/** The schema that describes the value at `path`; undefined where the schema knows nothing of it. */
export function schemaAt(schema: z.ZodType, path: readonly (string | number)[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema
  for (const step of path) {
    if (current === undefined) return undefined
    current = typeof step === 'number' ? itemOf(current) : fieldsOf(current)?.[step]
  }
  return current
}

/** What one line of text may stand for: the environment and `${NAME}` hold nothing but text. */
export function readText(schema: z.ZodType | undefined, text: string): unknown {
  const target = schema === undefined ? undefined : bare(schema)
  if (target instanceof z.ZodNumber && /^-?[0-9]{1,15}$/.test(text)) return Number(text)
  if (target instanceof z.ZodBoolean && (text === 'true' || text === 'false')) return text === 'true'
  if (target instanceof z.ZodArray) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  return text
}
