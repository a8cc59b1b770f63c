import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { assetPath, assets } from '#views/assets.ts'

describe('the assets', () => {
  test('are all the files of their folder', () => {
    const folder = join(import.meta.dirname, '../../views/assets')
    expect(assets.map(({ file }) => file).toSorted()).toEqual(
      readdirSync(folder)
        .map((name) => join(folder, name))
        .toSorted(),
    )
  })

  test.for(assets)('$path carries the hash of what is sent', ({ path, file, body }) => {
    expect(Buffer.from(body)).toEqual(readFileSync(file))
    expect(path).toContain(`.${createHash('sha256').update(body).digest('hex').slice(0, 8)}.`)
  })

  test('are found by name', () => {
    expect(assetPath('passkey.js')).toMatch(/^\/assets\/passkey\.[0-9a-f]{8}\.js$/)
  })

  test.for(assets.filter(({ path }) => path.endsWith('.js')))(
    '$path builds no markup and runs no text',
    ({ body }) => {
      expect(Buffer.from(body).toString()).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/,
      )
    },
  )
})
