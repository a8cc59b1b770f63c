import { stringify } from 'yaml'
import type { z } from 'zod'
import { fieldsOf, hintOf, itemOf } from './hints.ts'
import type { LoadedConfig } from './load.ts'
import { isRecord } from './path.ts'
import { absolutePath } from './resolve.ts'
import { settingsSchema } from './schema.ts'

/** What stands in place of a secret: its length would already be a hint. */
export const mask = '********'

/** The whole configuration in force, as YAML in the file's own form: defaults filled in, paths absolute, secrets masked. */
export function printConfig({
  settings,
  folder,
  file,
}: Pick<LoadedConfig, 'settings' | 'folder' | 'file'>): string {
  const heading =
    file === undefined ? '# the defaults, and the environment' : `# ${file}, and the environment`
  return `${heading}\n${stringify(shown(settings, settingsSchema, folder), { lineWidth: 0 })}`
}

function shown(value: unknown, schema: z.ZodType | undefined, folder: string): unknown {
  const hint = schema === undefined ? {} : hintOf(schema)
  if (value !== undefined && hint.secret === true) return mask
  if (typeof value === 'string')
    return hint.path === true && value !== '' ? absolutePath(folder, value) : value
  if (Array.isArray(value)) {
    const item = schema === undefined ? undefined : itemOf(schema)
    return value.map((entry) => shown(entry, item, folder))
  }
  if (!isRecord(value)) return value
  const fields = schema === undefined ? undefined : fieldsOf(schema)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [key, shown(entry, fields?.[key], folder)]),
  )
}
