import { createSecretKey } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadMasterKey, masterKeyFile } from '#gateway/keys/master-key.ts'
import { seal, unseal } from '#gateway/keys/sealing.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { createMemoryLog, silentLog } from '#test/support/silent-log.ts'
import { someMasterKey } from './opened-keyring.ts'

const random = createSeededRandom('sealing')

describe('a sealed value', () => {
  const sealed = seal(someMasterKey, 'name', Buffer.from('plain'), random)

  test('opens under the key and the name it was sealed with', () => {
    expect(unseal(someMasterKey, 'name', sealed).toString()).toBe('plain')
  })

  test('looks different each time', () => {
    expect(seal(someMasterKey, 'name', Buffer.from('plain'), random)).not.toBe(sealed)
  })

  test.for([
    ['under another key', createSecretKey(Buffer.alloc(32, 9)), 'name', sealed],
    ['under another name, so that one cannot stand in for another', someMasterKey, 'other', sealed],
    ['with a changed text', someMasterKey, 'name', `${sealed.slice(0, -3)}AAA`],
    ['with a changed nonce', someMasterKey, 'name', sealed.replace('v1.', 'v1.AA')],
    ['with a shortened tag', someMasterKey, 'name', sealed.slice(0, -8)],
    ['of an unknown version', someMasterKey, 'name', sealed.replace('v1.', 'v2.')],
    ['that is empty', someMasterKey, 'name', ''],
  ] as const)('does not open %s', ([, key, name, text]) => {
    expect(() => unseal(key, name, text)).toThrow(/cannot be opened/)
  })
})

describe('the master key', () => {
  const inFolder = (use: (dataDir: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
    try {
      use(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  const load = (dataDir: string, configured?: string) =>
    loadMasterKey({ dataDir, random, log: silentLog, ...(configured === undefined ? {} : { configured }) })

  test('is made in the data folder on the first run, for its owner only, and is the same afterwards', () => {
    inFolder((dataDir) => {
      const made = load(join(dataDir, 'new'))
      expect(statSync(join(dataDir, 'new', masterKeyFile)).mode & 0o777).toBe(0o600)
      expect(readdirSync(join(dataDir, 'new'))).toEqual([masterKeyFile])
      expect(load(join(dataDir, 'new')).equals(made)).toBe(true)
    })
  })

  test('that is configured is used, and no file is made', () => {
    inFolder((dataDir) => {
      const key = load(dataDir, 'a-long-text-from-a-random-source-12345')
      expect(key.equals(load(dataDir, 'a-long-text-from-a-random-source-12345\n'))).toBe(true)
      expect(key.equals(load(dataDir, 'another-text-from-a-random-source-123'))).toBe(false)
      expect(readdirSync(dataDir)).toEqual([])
    })
  })

  test('that is too short is refused: a truncated file must not pass for a key', () => {
    inFolder((dataDir) => {
      expect(() => load(dataDir, 'short')).toThrow(/keys.encryption_key is too short/)
      writeFileSync(join(dataDir, masterKeyFile), readFileSync('/dev/null'))
      expect(() => load(dataDir)).toThrow(/too short/)
    })
  })

  test('that others may read is used, with a warning', () => {
    inFolder((dataDir) => {
      load(dataDir)
      chmodSync(join(dataDir, masterKeyFile), 0o644)
      const { log, lines } = createMemoryLog()
      loadMasterKey({ dataDir, random, log })
      expect(lines.map(({ level }) => level)).toEqual(['warn'])
    })
  })

  test('that cannot be read or made stops the start with a remedy', () => {
    expect(() => load('/dev/null/data')).toThrow(/key file/)
  })
})
