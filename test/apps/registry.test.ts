import { describe, expect, test } from 'vitest'
import { createSqlAppStore } from '#adapters/sql/apps.ts'
import { SqlChanges } from '#adapters/sql/changes.ts'
import { openSqlite } from '#adapters/sql/open.ts'
import { changed } from '#gateway/apps/app.ts'
import { openAppRegistry } from '#gateway/apps/registry.ts'
import type { AppStore } from '#gateway/apps/store.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { createMemoryLog, silentLog } from '#test/support/silent-log.ts'
import { anApp } from './builders.ts'

async function open() {
  const database = await openTestDatabase()
  const changes = await SqlChanges.open(database, silentLog)
  const store = createSqlAppStore(database, 'default')
  await store.insert(anApp())
  return {
    database,
    changes,
    store,
    [Symbol.asyncDispose]: async () => {
      changes[Symbol.dispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

describe('the registry of apps', () => {
  test('answers by id and by client id without asking the store', async () => {
    await using opened = await open()
    using registry = await openAppRegistry({ ...opened, log: silentLog })
    expect(registry.find('wiki' as AppId)?.name).toBe('Wiki')
    expect(registry.findByClientId('wiki')?.id).toBe('wiki')
    expect(registry.find('mail' as AppId)).toBeUndefined()
    expect(registry.findByClientId('__proto__')).toBeUndefined()
  })

  test('lists by name', async () => {
    await using opened = await open()
    await opened.store.insert(anApp({ id: 'aaa' as AppId, name: 'Zoo' }))
    using registry = await openAppRegistry({ ...opened, log: silentLog })
    expect(registry.list().map(({ name }) => name)).toEqual(['Wiki', 'Zoo'])
  })

  test('hears what another process changed, and tells its listeners', async () => {
    await using opened = await open()
    using registry = await openAppRegistry({ ...opened, log: silentLog })
    const heard = Promise.withResolvers<void>()
    registry.onChange(heard.resolve)
    const command = await openSqlite({ file: opened.database.file })
    const theirs = await SqlChanges.open(command, silentLog)
    await command.transaction.run(async () => {
      await createSqlAppStore(command, 'default').replace(
        changed(anApp(), { ...anApp(), state: 'disabled' }, anApp().updatedAt),
        anApp().updatedAt,
      )
      await theirs.announce('apps')
    })
    await opened.changes.poll()
    await heard.promise
    expect(registry.find('wiki' as AppId)?.state).toBe('disabled')
    await command.close()
  })

  test('keeps what it knows when a read fails, says so, and reads again until it works', async () => {
    await using opened = await open()
    let broken = false
    const store: AppStore = {
      ...opened.store,
      list: () =>
        broken ? Promise.reject(new GatewayError('store_unavailable', 'Not now.')) : opened.store.list(),
    }
    const { log, lines } = createMemoryLog()
    using registry = await openAppRegistry({ store, changes: opened.changes, log })
    const heard = Promise.withResolvers<void>()
    registry.onChange(heard.resolve)
    await opened.store.delete('wiki' as AppId)
    broken = true
    await registry.reload()
    expect(registry.find('wiki' as AppId)).toBeDefined()
    expect(lines.map(({ level }) => level)).toEqual(['error'])
    broken = false
    await heard.promise
    expect(registry.find('wiki' as AppId)).toBeUndefined()
  })

  test('gives, after a reload, what was in the store when the reload was asked for', async () => {
    await using opened = await open()
    using registry = await openAppRegistry({ ...opened, log: silentLog })
    for (let round = 0; round < 20; round++) {
      const id = `app-${round}` as AppId
      const earlier = registry.reload()
      await opened.store.insert(anApp({ id }))
      await registry.reload()
      expect(registry.find(id)).toBeDefined()
      await earlier
    }
  })

  test('does not open when the first read fails', async () => {
    await using opened = await open()
    const store: AppStore = { ...opened.store, list: () => Promise.reject(new Error('no')) }
    await expect(openAppRegistry({ store, changes: opened.changes, log: silentLog })).rejects.toThrow('no')
  })
})
