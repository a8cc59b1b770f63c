import { z } from 'zod'
import { environmentName, environmentSettings } from './environment.ts'
import { settingsSchema } from './schema.ts'

/** The published JSON Schema of `gatehouse.yaml`: what editors complete and check. A test holds the file to this. */
export function configurationJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(settingsSchema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema, path }) => {
      const name = environmentName(settingKeys(path))
      if (!environmentSettings.has(name)) return
      jsonSchema.description = [jsonSchema.description, `Environment: ${name}`].filter(Boolean).join('\n')
    },
  })
  return { $schema, title: 'Gatehouse configuration', ...rest }
}

/** The keys of the setting that a place in the JSON Schema describes; list items and unions have none of their own. */
function settingKeys(path: readonly (string | number)[]): string[] {
  const keys = path.filter((_, index) => index % 2 === 1)
  const isSetting = path.every((step, index) => index % 2 === 1 || step === 'properties')
  return isSetting ? keys.map(String) : []
}

// node config/json-schema.ts > config/gatehouse.schema.json, then the formatter.
if (import.meta.main) process.stdout.write(`${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`)
