/** Pages of long lists stay fast however long the list is: each is read from an index, in order, and no further than it must. */
import Sqlite from 'better-sqlite3'
import { createQueryId, type KyselyPlugin, type RootOperationNode } from 'kysely'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createLogoutPages } from '#adapters/sql/logout-pages.ts'
import { createSqlLogoutStore } from '#adapters/sql/logouts.ts'
import type { SqlDatabase } from '#adapters/sql/open.ts'
import { createSessionPages } from '#adapters/sql/session-pages.ts'
import type { AccountId, AppId, DeliveryId, LogoutId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { LogoutPageFilter } from '#gateway/logout/store.ts'
import type { SessionPageFilter } from '#gateway/sessions/store.ts'
import { openTestDatabase, type TestDatabase } from '#test/support/database.ts'

const stored = 20_000
const common = 'common' as AppId
const rare = 'rare' as AppId

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
  fill(database.file)
  return () => database[Symbol.asyncDispose]()
})

/** One session in ten is active; every one has opened the common app, and one in a thousand the rare one. */
function fill(file: string): void {
  const sqlite = new Sqlite(file)
  const numbers = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${stored})`
  const ended = 'case when i % 10 > 0 then i end'
  sqlite.exec(`begin;
    ${numbers} insert into sso_sessions select 'default', 'ses_' || i, 'acc_' || (i % 2001), i, i, i, 0, 'acr', '[]', '[]',
      '192.0.2.' || (i % 201), 'browser', i, ${ended}, 'idle', '{"kind":"gateway"}', 'lgo_' || i, null from n;
    ${numbers} insert into app_sessions select 'default', 'aps_' || i, 'ses_' || i, 'acc_' || (i % 2001), 'common',
      'sid_' || i, i, i, null, ${ended}, 'idle', '{"kind":"gateway"}', 'lgo_' || i from n;
    insert into app_sessions select tenant, id || 'r', sso_session_id, account_id, 'rare', sid || 'r', started_at, started_at,
      null, ended_at, ended_cause, ended_actor, logout_id from app_sessions where started_at % 1000 = 0;
    ${numbers} insert into logouts select 'default', 'lgo_' || i, 'idle', '{"kind":"gateway"}', 'acc_' || (i % 2001), i,
      case when i % 10 > 0 then i end, 1, 1, 0 from n;
    insert into logout_deliveries (tenant, id, logout_id, app_session_id, app_id, account_id, sid, channel, state, attempts,
      created_at, due_at, give_up_at, refusals) select 'default', 'dlv_' || id, logout_id, id, app_id, account_id, sid,
      'back-channel', 'delivered', 1, started_at, 0, 0, 0 from app_sessions;
    commit`)
  sqlite.close()
}

/** The same database, with the plan of every statement that runs in it. */
function watched(): { readonly seen: SqlDatabase; plans(): readonly string[] } {
  const nodes: RootOperationNode[] = []
  const recorder: KyselyPlugin = {
    transformQuery: ({ node }) => {
      nodes.push(node)
      return node
    },
    transformResult: ({ result }) => Promise.resolve(result),
  }
  const sqlite = new Sqlite(database.file, { readonly: true })
  onTestFinished(() => void sqlite.close())
  return {
    seen: { ...database, q: () => database.q().withPlugin(recorder) },
    plans: () =>
      nodes.map((node) => {
        const { sql, parameters } = database.q().getExecutor().compileQuery(node, createQueryId())
        const plan = sqlite.prepare(`explain query plan ${sql}`).all(...parameters)
        return (plan as { readonly detail: string }[]).map(({ detail }) => detail).join('; ')
      }),
  }
}

const none = { startedAt: stored / 2, id: 'ses_x' as SsoSessionId }
const noLogout = { startedAt: stored / 2, id: 'lgo_x' as LogoutId }

describe('a page of many', () => {
  test.for<[string, Omit<SessionPageFilter, 'limit'>, RegExp]>([
    ['all', {}, /sso_sessions_started/],
    ['of an account', { accountId: 'acc_7' as AccountId }, /sso_sessions_account/],
    ['at an address', { address: '192.0.2.7' }, /sso_sessions_address/],
    ['active', { state: 'active' }, /sso_sessions_active/],
    ['ended', { state: 'ended' }, /sso_sessions_started/],
    ['active at an address', { address: '192.0.2.7', state: 'active' }, /sso_sessions_address/],
    ['active of an account', { accountId: 'acc_7' as AccountId, state: 'active' }, /sso_sessions_account/],
    ['of an app that all use', { appId: common }, /sso_sessions_started/],
    ['active of an app that all use', { appId: common, state: 'active' }, /sso_sessions_active/],
  ])('sessions, %s, comes from its index in order', async ([, filter, index]) => {
    const { seen, plans } = watched()
    const pages = createSessionPages(seen, 'default', 500)
    for (const before of [undefined, none]) {
      const { items } = await pages.page({ ...filter, limit: 10, ...(before && { before }) })
      expect(items.length).toBeGreaterThan(0)
    }
    expectReadInOrder(plans(), 'sso_sessions', index)
    // Whether an app was opened in a session is asked of that session, and not of all that the app ever had.
    const probes = plans().flatMap(
      (plan) => plan.match(/SEARCH sso_sessions .*(SEARCH app_sessions .*)/)?.[1] ?? [],
    )
    expect(probes.length > 0).toBe(filter.appId !== undefined)
    for (const probe of probes)
      expect(probe).toMatch(/^SEARCH app_sessions .*\(tenant=\? AND sso_session_id=\?\)/)
  })

  test.for<[string, Omit<LogoutPageFilter, 'limit'>, RegExp]>([
    ['all', {}, /logouts_started/],
    ['of an account', { accountId: 'acc_7' as AccountId }, /logouts_account/],
    ['unsettled', { unsettled: true }, /logouts_unsettled/],
    ['settled', { unsettled: false }, /logouts_started/],
    ['unsettled of an account', { accountId: 'acc_7' as AccountId, unsettled: true }, /logouts_account/],
    ['of an app that all use', { appId: common }, /logouts_started/],
    ['unsettled of an app that all use', { appId: common, unsettled: true }, /logouts_unsettled/],
  ])('Logouts, %s, comes from its index in order', async ([, filter, index]) => {
    const { seen, plans } = watched()
    const pages = createLogoutPages(seen, 'default', 500)
    for (const before of [undefined, noLogout]) {
      const { items } = await pages.page({ ...filter, limit: 10, ...(before && { before }) })
      expect(items.length).toBeGreaterThan(0)
    }
    expectReadInOrder(plans(), 'logouts', index)
  })

  test('of an app that few use takes those few and no others', async () => {
    const { seen, plans } = watched()
    const sessions = await createSessionPages(seen, 'default').page({ appId: rare, limit: 50 })
    const logouts = await createLogoutPages(seen, 'default').page({ appId: rare, limit: 50 })
    expect([sessions.items.length, logouts.items.length]).toEqual([20, 20])
    expect([sessions.next, logouts.next]).toEqual([undefined, undefined])
    const all = plans().join('; ')
    expect(all).toMatch(/SEARCH sso_sessions USING INDEX sqlite_autoindex_sso_sessions_1/)
    expect(all).toMatch(/SEARCH logouts USING INDEX sqlite_autoindex_logouts_1/)
    expect(all).not.toMatch(/SCAN (sso_sessions|app_sessions|logouts|logout_deliveries)/)
  })

  test('of the deliveries of one Logout comes from their index in order', async () => {
    const { seen, plans } = watched()
    const { deliveriesAfter } = createSqlLogoutStore(seen, 'default')
    for (const after of [undefined, 'dlv_' as DeliveryId])
      expect(await deliveriesAfter('lgo_1000' as LogoutId, after, 10)).toHaveLength(2)
    expectReadInOrder(plans(), 'logout_deliveries', /logout_deliveries_of_logout/)
  })

  test('looks through so much and no further, says where to go on, and misses nothing', async () => {
    const pages = createSessionPages(database, 'default', 4)
    const found: string[] = []
    const lengths: number[] = []
    for (let before: SessionPageFilter['before']; ; ) {
      const filter = { address: '192.0.2.7', state: 'active', limit: 3 } as const
      const page = await pages.page({ ...filter, ...(before && { before }) })
      found.push(...page.items.map(({ id }) => id))
      lengths.push(page.items.length)
      if (page.next === undefined) break
      before = page.next
    }
    const wanted = Array.from({ length: stored }, (_, at) => stored - at)
    expect(found).toEqual(wanted.filter((i) => i % 201 === 7 && i % 10 === 0).map((i) => `ses_${i}`))
    // Of the four that each page looks through, none or one is active.
    expect(new Set(lengths)).toEqual(new Set([0, 1]))
    expect(lengths.length).toBeLessThanOrEqual(Math.ceil(stored / 201 / 4) + 1)
  })
})

/** Every statement that goes through the table does so by that index, backwards, without sorting. */
function expectReadInOrder(plans: readonly string[], table: string, index: RegExp): void {
  const through = plans.filter((plan) => new RegExp(`(SEARCH|SCAN) ${table}\\b`).test(plan))
  expect(through.length).toBeGreaterThan(1)
  for (const plan of through) {
    expect(plan).toMatch(new RegExp(`SEARCH ${table} USING (COVERING )?INDEX`))
    expect(plan).toMatch(index)
    expect(plan).not.toMatch(/USE TEMP B-TREE FOR ORDER BY/)
    expect(plan).not.toMatch(/SCAN/)
  }
}
