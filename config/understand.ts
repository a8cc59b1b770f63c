import type { z } from 'zod'
import type { Placed, Understood } from './checks.ts'
import { isRecord } from './path.ts'
import { settingsSchema } from './schema.ts'
import { accountSchema } from './schema-accounts.ts'
import { appSchema } from './schema-apps.ts'

/** The parts of a tree that are well-formed by themselves, so that rules between parts can be checked beside other mistakes. */
export function understand(tree: unknown): Understood {
  const written = isRecord(tree) ? tree : {}
  const { apps: _apps, accounts: _accounts, ...sections } = settingsSchema.shape
  const settings = new Map<string, unknown>()
  for (const [key, schema] of Object.entries(sections)) {
    const parsed = schema.safeParse(written[key])
    if (parsed.success) settings.set(key, parsed.data)
  }
  return {
    settings: Object.fromEntries(settings) as Understood['settings'],
    apps: wellFormed(appSchema, written['apps']),
    accounts: wellFormed(accountSchema, written['accounts']),
  }
}

function wellFormed<Schema extends z.ZodType>(schema: Schema, list: unknown): Placed<z.output<Schema>>[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((item, index) => {
    const parsed = schema.safeParse(item)
    return parsed.success ? [{ index, declared: parsed.data }] : []
  })
}
