import { z } from 'zod'
import type { Finding } from './fill.ts'
import { bare, fieldsOf, hintOf, schemaAt } from './hints.ts'
import { nearest } from './nearest.ts'
import { pathText, type SettingPath, valueAt } from './path.ts'
import { announcedKeys, settingsSchema } from './schema.ts'

/** What zod found, in words an operator knows: where, what stands there, what is expected. */
export function findingsOf(issue: z.core.$ZodIssue, tree: unknown): Finding[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key]))
  const known = longestKnown(path)
  const schema = schemaAt(settingsSchema, known) ?? settingsSchema
  const value = valueAt(tree, known)
  const own = issue.code === 'custom' && issue.message !== 'Invalid input' ? issue.message : undefined
  const found = describeValue(value, hintOf(schema).secret === true)
  const quotes =
    typeof value === 'number' && schema.safeParse(String(value)).success ? ' (put it in quotes)' : ''
  return [{ path: known, found, expected: own ?? `${expectationOf(schema)}${quotes}` }]
}

/** Inside a union or a free-form record the schema has no words of its own; what stands around it does. */
function longestKnown(path: SettingPath): SettingPath {
  for (let length = path.length; length > 0; length -= 1) {
    if (schemaAt(settingsSchema, path.slice(0, length)) !== undefined) return path.slice(0, length)
  }
  return []
}

function unknownKey(path: SettingPath): Finding {
  const written = pathText(path)
  if (announcedKeys.some((key) => key.test(written))) {
    return { path, found: 'a key that this version does not know yet', expected: 'it to be left out' }
  }
  const known = Object.keys(fieldsOf(schemaAt(settingsSchema, path.slice(0, -1)) ?? settingsSchema) ?? {})
  const meant = nearest(String(path.at(-1)), known)
  return {
    path,
    found: 'an unknown key',
    expected: meant === undefined ? `one of ${known.join(', ')}` : `${meant}, perhaps`,
  }
}

/** Long values are cut: the line already says where to look. */
const longestShown = 60

export function describeValue(value: unknown, secret: boolean): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'an empty value'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object') return 'a section'
  if (secret)
    return typeof value === 'string' ? `a secret of ${value.length} characters` : `a ${typeof value}`
  // Addresses may hold a password.
  const text = JSON.stringify(value).replace(/(:\/\/)[^/@\s]*@/, '$1…@')
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

function expectationOf(schema: z.ZodType): string {
  const { expected } = hintOf(schema)
  if (expected !== undefined) return expected
  const type = bare(schema)
  if (type instanceof z.ZodEnum) return `one of ${type.options.join(', ')}`
  if (type instanceof z.ZodBoolean) return 'true or false'
  if (type instanceof z.ZodArray) return 'a list'
  if (type instanceof z.ZodObject) return `a section with ${Object.keys(type.shape).join(', ')}`
  return 'text'
}
