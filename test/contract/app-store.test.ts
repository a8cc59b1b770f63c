import { describe, expect, test } from 'vitest'
import { createSqlAppStore } from '#adapters/sql/apps.ts'
import { anApp } from '#test/apps/builders.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeAppStore } from './app-store.ts'

async function open(options: { readonly seed?: number }) {
  const database = await openTestDatabase(options)
  return {
    apps: createSqlAppStore(database, 'default'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeAppStore('SQLite', () => open({}))
describeAppStore('SQLite, waiting at random between statements', () => open({ seed: 11 }))

describe('a store of apps (SQLite)', () => {
  test('sees nothing of another tenant', async () => {
    await using database = await openTestDatabase()
    const [ours, theirs] = [createSqlAppStore(database, 'ours'), createSqlAppStore(database, 'theirs')]
    await theirs.insert(anApp({ fileOwned: true }), 'print')
    expect(await ours.find(anApp().id)).toBeUndefined()
    expect(await ours.list()).toEqual([])
    expect(await ours.fingerprints()).toEqual(new Map())
    expect(await ours.insert(anApp())).toBe(true)
    expect(await ours.replace(anApp({ name: 'Ours', updatedAt: 5 }), anApp().updatedAt)).toBe(true)
    expect(await ours.delete(anApp().id)).toBe(true)
    expect((await theirs.find(anApp().id))?.name).toBe('Wiki')
  })
})
