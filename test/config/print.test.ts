import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { mask, printConfig } from '#config/print.ts'
import { anApp, load, longSecret, problemsOf } from './written.ts'

test('the printed configuration holds every setting in force, paths absolute, and no secret', () => {
  const loaded = load(
    `keys: { encryption_key: ${longSecret} }
data_dir: ./here
${anApp()}
accounts:
  - { email: a@b.co, password: open-sesame }
`,
    { GATEHOUSE_SESSIONS__IDLE: '30m' },
  )
  const text = printConfig(loaded)
  expect(text).not.toContain(longSecret)
  expect(text).not.toContain('open-sesame')
  const printed = parse(text)
  expect(printed.sessions.idle).toBe('30m')
  expect(printed.sessions.absolute).toBe('24h')
  expect(printed.data_dir).toBe(loaded.config.dataDir)
  expect(printed.storage.database).toBe(`sqlite:${loaded.config.storage.databaseFile}`)
  expect(printed.keys.encryption_key).toBe(mask)
  expect(printed.apps[0].oidc.client_secret).toBe(mask)
  expect(printed.accounts[0].password).toBe(mask)
})

test('the printed configuration is one that would be taken', () => {
  expect(problemsOf(printConfig(load('log: { level: debug }')))).toEqual([])
})
