import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { environmentSettings } from '#config/environment.ts'
import { fieldsOf } from '#config/hints.ts'
import { configurationJsonSchema } from '#config/json-schema.ts'
import { loadConfig } from '#config/load.ts'
import { accountSchema } from '#config/schema-accounts.ts'
import { appSchema } from '#config/schema-apps.ts'
import { folderWith, longSecret } from './written.ts'

const folder = fileURLToPath(new URL('../../config/', import.meta.url))
const example = readFileSync(`${folder}gatehouse.example.yaml`, 'utf8')

describe('gatehouse.example.yaml', () => {
  test('holds the defaults in its live part', () => {
    const { config } = loadConfig({
      file: 'gatehouse.example.yaml',
      environment: {},
      workingDirectory: folder,
    })
    expect(config).toEqual(loadConfig({ environment: {}, workingDirectory: folder }).config)
  })

  test('writes every default out: nothing live is left to the schema', () => {
    const { settings } = loadConfig({ environment: {}, workingDirectory: folder })
    const { keys: _, storage, ...rest } = settings
    expect(parse(example)).toEqual({ ...rest, storage: { cache: storage.cache } })
  })

  test('holds good settings in its commented part', () => {
    using place = folderWith({
      'gatehouse.yaml': uncommented(),
      'tls/cert.pem': 'certificate',
      'tls/key.pem': 'key',
    })
    const environment = {
      GATEHOUSE_ISSUER: 'https://login.example.com',
      SIGNING_KEY_SECRET: longSecret,
      WIKI_CLIENT_SECRET: longSecret,
      WEBHOOK_SECRET: `whsec_${'c2VjcmV0'.repeat(4)}`,
      ADA_PASSWORD: 'long-enough',
    }
    const { config } = loadConfig({ environment, workingDirectory: place.path })
    expect(config.metrics).toEqual({ host: '127.0.0.1', port: 9464 })
    expect(config.tls).toBeDefined()
    expect(config.keys.encryptionKey).toBe(longSecret)
    expect(config.logout.webhook?.url).toBe('https://alerts.example.com/gatehouse')
    expect(config.apps.map(({ id }) => id)).toEqual(['wiki'])
    expect(config.accounts.map(({ id }) => id)).toEqual(['ada'])
  })

  test('names every setting with its name in the environment, and every key of apps and accounts', () => {
    expect(environmentSettings.size).toBeGreaterThan(35)
    const names = [...environmentSettings.keys()]
    expect(names.filter((name) => !new RegExp(`${name}\\b`).test(example))).toEqual([])
    const keys = [
      appSchema,
      appSchema.shape.oidc,
      appSchema.shape.sessions,
      appSchema.shape.logout,
      accountSchema,
    ].flatMap((schema) => Object.keys(fieldsOf(schema) ?? {}))
    expect(keys.length).toBeGreaterThan(40)
    expect(keys.filter((key) => !new RegExp(`\\b${key}:`).test(example))).toEqual([])
  })

  /** The optional parts taken in; each replaces the empty list that stands for it. */
  function uncommented(): string {
    return example.replaceAll(/^( *)#: ?/gm, '$1').replaceAll(/^(apps|accounts): \[\]$/gm, '')
  }
})

describe('gatehouse.schema.json', () => {
  test('is what the schema says (node config/json-schema.ts > config/gatehouse.schema.json)', () => {
    expect(JSON.parse(readFileSync(`${folder}gatehouse.schema.json`, 'utf8'))).toEqual(
      configurationJsonSchema(),
    )
  })

  test('describes every key and says how the environment names it', () => {
    const undescribed: string[] = []
    walk(configurationJsonSchema(), '')
    expect(undescribed).toEqual([])
    expect(JSON.stringify(configurationJsonSchema())).toContain('Environment: GATEHOUSE_SESSIONS__IDLE')

    function walk(schema: unknown, path: string): void {
      if (typeof schema !== 'object' || schema === null) return
      if (path !== '' && !path.endsWith(']') && !('description' in schema)) undescribed.push(path)
      if ('properties' in schema) {
        for (const [key, value] of Object.entries(schema.properties as object)) walk(value, `${path}.${key}`)
      }
      if ('items' in schema) walk(schema.items, `${path}[]`)
    }
  })
})

describe('demo.yaml', () => {
  test('is good as it stands, without a warning', () => {
    const { config, warnings } = loadConfig({ file: 'demo.yaml', environment: {}, workingDirectory: folder })
    expect(warnings).toEqual([])
    expect(config.apps.map(({ id, firstParty }) => [id, firstParty])).toEqual([
      ['wiki', true],
      ['board', false],
    ])
    expect(config.accounts.map(({ email, operator }) => [email, operator])).toEqual([
      ['ada@example.com', true],
      ['bob@example.com', false],
    ])
    for (const { password } of config.accounts) expect(password?.length).toBeGreaterThanOrEqual(12)
  })
})
