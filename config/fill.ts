import { resolve } from 'node:path'
import type { z } from 'zod'
import { readBoundedFile } from './bounded-file.ts'
import type { Environment } from './environment.ts'
import { fieldsOf, hintOf, itemOf, readText } from './hints.ts'
import { isRecord, type SettingPath } from './path.ts'

/** Something in the written tree that could not be replaced by what it stands for. */
export interface Finding {
  readonly path: SettingPath
  readonly found: string
  readonly expected: string
}

/** A secret is a line or two; a file larger than this was named by mistake. */
const maxSecretBytes = 65_536

const reference = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** Replaces `${NAME}` in every text by the environment's value; `$${NAME}` stays as `${NAME}`. */
export function expandNames(
  tree: unknown,
  schema: z.ZodType | undefined,
  environment: Environment,
  findings: Finding[],
  path: SettingPath = [],
): unknown {
  if (Array.isArray(tree)) {
    const item = schema === undefined ? undefined : itemOf(schema)
    return tree.map((value, index) => expandNames(value, item, environment, findings, [...path, index]))
  }
  if (isRecord(tree)) {
    const fields = schema === undefined ? undefined : fieldsOf(schema)
    return Object.fromEntries(
      Object.entries(tree).map(([key, value]) => [
        key,
        expandNames(value, fields?.[key], environment, findings, [...path, key]),
      ]),
    )
  }
  if (typeof tree !== 'string' || !tree.includes('${')) return tree
  const text = tree.replace(reference, (whole, escaped: string, name: string) => {
    if (escaped !== '') return whole.slice(1)
    const value = environment[name]
    if (value === undefined) {
      findings.push({ path, found: `\${${name}}`, expected: `${name} to be set in the environment` })
    }
    return value ?? whole
  })
  return readText(schema, text)
}

/** Replaces each `<secret>_file` by the secret that the file holds, so that one rule checks both ways of giving it. */
export function readSecretFiles(
  tree: unknown,
  schema: z.ZodType,
  folder: string,
  findings: Finding[],
  path: SettingPath = [],
): unknown {
  const item = itemOf(schema)
  if (Array.isArray(tree) && item !== undefined) {
    return tree.map((value, index) => readSecretFiles(value, item, folder, findings, [...path, index]))
  }
  const fields = fieldsOf(schema)
  if (!isRecord(tree) || fields === undefined) return tree
  const filled = new Map<string, unknown>()
  for (const [key, value] of Object.entries(tree)) {
    const secretKey = key.endsWith('_file') ? key.slice(0, -'_file'.length) : undefined
    const secretField = secretKey === undefined ? undefined : fields[secretKey]
    if (secretKey === undefined || secretField === undefined || hintOf(secretField).secret !== true) {
      const field = fields[key]
      filled.set(
        key,
        field === undefined ? value : readSecretFiles(value, field, folder, findings, [...path, key]),
      )
    } else if (Object.hasOwn(tree, secretKey)) {
      findings.push({ path: [...path, key], found: `both ${secretKey} and ${key}`, expected: 'one of them' })
    } else if (typeof value !== 'string') {
      findings.push({ path: [...path, key], found: 'no text', expected: 'a path' })
    } else {
      const secret = readBoundedFile(resolve(folder, value), maxSecretBytes)
      if (secret.kind === 'read') filled.set(secretKey, secret.text.replace(/\r?\n$/, ''))
      else
        findings.push({
          path: [...path, key],
          found: `${JSON.stringify(value)}, but ${secret.reason}`,
          expected: 'a readable file',
        })
    }
  }
  return Object.fromEntries(filled)
}
