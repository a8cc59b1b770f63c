import { describe, expect, test } from 'vitest'
import { openLogoutEndpoint } from '#test/apps/logout-endpoint.ts'
import { app } from '#test/portal/portal.ts'
import { freePort } from '#test/support/gateway.ts'
import { declaredApp } from '#test/support/two-apps.ts'
import { startConsole } from './console.ts'

describe('checking an app', () => {
  test('by a button shows a verdict per case, with what was due, what came and the clause', async () => {
    const port = await freePort()
    await using wiki = await openLogoutEndpoint({
      issuer: `http://localhost:${port}`,
      clientId: 'wiki',
      overlooks: ['signature'],
    })
    await using console = await startConsole({
      port,
      realTime: true,
      settings: { apps: [declaredApp('wiki', wiki.url, {}, { backchannel_logout_uri: wiki.url })] },
    })
    const path = '/console/apps/wiki/check'
    const before = await console.operator.open(path)
    expect(before.text).toContain('Check now')
    expect(wiki.tokens).toEqual([])
    expect((await console.operator.submit(before, path)).location).toBe(path)
    const after = await console.operator.open(path)
    expect(after.text).toContain('It does not do what is asked of it')
    const rows = [...after.text.matchAll(/<tr role="row"><td[\s\S]*?<\/tr>/g)].map(String)
    expect(rows.length).toBeGreaterThan(8)
    const failed = rows.filter((row) => row.includes('data-verdict="failed"'))
    expect(failed.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toMatch(/sections? \d/)
    expect(rows.some((row) => row.includes('data-verdict="passed"'))).toBe(true)
    expect(after.text).toContain('Check again')
    const [line] = await console.gateway.stores.audit.list({ limit: 1 })
    expect(line).toMatchObject({ type: 'app.checked', subject: 'wiki' })
  })

  test('says what to do about an app that cannot be reached, or cannot be told', async () => {
    await using console = await startConsole({
      settings: { apps: [app('wiki', 'Wiki', 'http://127.0.0.1:9/logout'), app('printer', 'Printer')] },
    })
    for (const [id, words] of [
      ['wiki', 'It could not be reached'],
      ['printer', 'There is nothing to check'],
    ] as const) {
      const path = `/console/apps/${id}/check`
      await console.operator.submit(await console.operator.open(path), path)
      expect((await console.operator.open(path)).text).toContain(words)
    }
  })

  test('is nowhere for an app that there never was', async () => {
    await using console = await startConsole()
    for (const id of ['nothing', '..%2f', 'a'.repeat(80)]) {
      expect((await console.operator.get(`/console/apps/${id}/check`)).status).toBe(404)
    }
  })
})
