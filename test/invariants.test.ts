/**
 * The invariants of ARCHITECTURE.md, each by its number, as seen from outside. Every one fails without the mechanism that keeps it.
 * 1 and 9 are also statements about the code: `forbidden.test.ts`, `architecture.test.ts`. The long runs are elsewhere: 3 and 7 in
 * `races/`, 4 in `crash/`, 12 in `robustness/`. 10 is about XML, of which there is none.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createSqlArtifactStore } from '#adapters/sql/artifacts.ts'
import { openSqlite } from '#adapters/sql/open.ts'
import { createSqlSessionStore } from '#adapters/sql/sessions.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { AccountId } from '#gateway/kernel/ids.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { opened, redeemed } from './oidc/opening.ts'
import { startWorld, type World } from './oidc/world.ts'
import { anAppSession, anSsoSession, noon } from './sessions/builders.ts'
import { openTestDatabase } from './support/database.ts'
import { startGateway } from './support/gateway.ts'
import { exchange, isActive, userinfoStatus } from './support/oauth.ts'

const operator = { kind: 'command-line' } as const
const adasId = 'ada' as AccountId

/** Ada at the wiki: her browser, her session, and what the wiki holds. */
async function adaAtWiki(world: World) {
  const client = world.client('wiki')
  const browser = await world.signedIn()
  const { body } = await redeemed(await opened(browser, client))
  const [session] = await world.gateway.stores.sessions.list({ state: 'active', limit: 1 })
  if (session === undefined) throw new Error('nobody is signed in')
  return { client, browser, session, access: body.access_token ?? '', refreshToken: body.refresh_token ?? '' }
}

const end = (world: World, session: SsoSession) =>
  world.gateway.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'admin', operator)

const deliveriesOf = async (world: World) => {
  const logouts = await world.gateway.stores.logouts.list({ limit: 50 })
  return world.gateway.stores.logouts.deliveriesOf(logouts.map(({ id }) => id))
}

describe('invariants', () => {
  test('1: whatever ends a session, it went through the one door: a Logout, its deliveries and an audit event', async () => {
    await using world = await startWorld()
    const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['admin', async () => end(world, (await adaAtWiki(world)).session)],
      [
        'account',
        async () => {
          const { browser } = await adaAtWiki(world)
          return browser.submit(await browser.get(`${world.issuer}/sign-out`), { decision: 'sign-out' })
        },
      ],
      [
        'idle',
        async () => {
          await adaAtWiki(world)
          world.clock.advance({ hours: 8 })
          return world.gateway.sweeper.runOnce()
        },
      ],
      [
        'account-disabled',
        async () => {
          await adaAtWiki(world)
          return world.gateway.commands.accounts.disable(adasId, operator)
        },
      ],
    ]
    for (const [, way] of ways) await way()
    const ended = await world.gateway.stores.sessions.list({ state: 'ended', limit: 20 })
    expect(ended.map((session) => session.ended?.cause).toSorted()).toEqual(
      ways.map(([cause]) => cause).toSorted(),
    )
    const events = await world.gateway.stores.audit.list({ limit: 200 })
    for (const { id, ended: ending } of ended) {
      if (ending === undefined) throw new Error('listed as ended')
      expect(await world.gateway.stores.logouts.find(ending.logoutId)).toMatchObject({ cause: ending.cause })
      expect(await world.gateway.stores.logouts.deliveriesOf([ending.logoutId])).toHaveLength(1)
      expect(
        events.some((event) => event.type === 'session.ended' && JSON.stringify(event).includes(id)),
      ).toBe(true)
    }
  })

  test.for([
    ['the session', 'sso_sessions', 'update'],
    ['its app sessions', 'app_sessions', 'update'],
    ['the tokens', 'oidc_artifacts', 'delete'],
    ['the Logout', 'logouts', 'insert'],
    ['the deliveries', 'logout_deliveries', 'insert'],
    ['the audit trail', 'audit_events', 'insert'],
  ] as const)('2: when %s cannot be written, nothing of the end is', async ([, table, action]) => {
    await using world = await startWorld()
    const { client, browser, session, access } = await adaAtWiki(world)
    const events = (await world.gateway.stores.audit.list({ limit: 200 })).length
    const trigger = `create trigger refuse before ${action} on ${table} begin select raise(abort, 'refused'); end`
    await sql.raw(trigger).execute(world.gateway.database.q())
    await expect(end(world, session)).rejects.toThrow()
    await sql.raw('drop trigger refuse').execute(world.gateway.database.q())

    expect((await world.gateway.stores.sessions.find(session.id))?.ended).toBeUndefined()
    expect(await isActive(client, access)).toBe(true)
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['code']).toBeDefined()
    expect(await deliveriesOf(world)).toEqual([])
    const after = await world.gateway.stores.audit.list({ limit: 200 })
    expect(after.filter(({ type }) => type.endsWith('.ended'))).toEqual([])
    expect(after.length).toBe(events)
  })

  test('3: an ended session stays ended, whatever is tried or was in flight', async () => {
    await using world = await startWorld({ seed: 3 })
    const { client, browser, session } = await adaAtWiki(world)
    const { sessions, stores } = world.gateway
    const flights = Array.from({ length: 6 }, () => opened(browser, client))
    await end(world, session)
    const landed = await Promise.all(flights)
    const ending = (await stores.sessions.find(session.id))?.ended

    const proof = { methods: ['password'], amr: ['pwd'], acr: session.acr, credentialIds: [], at: 0 } as const
    expect(await sessions.strengthen(session, proof)).toBeUndefined()
    expect(await sessions.replaceSecret(session)).toBeUndefined()
    const { id, sid } = anAppSession()
    const join = { id, sid, ssoSessionId: session.id, accountId: session.accountId, appId: 'wiki' as never }
    expect(await sessions.join(join)).toBeUndefined()
    world.clock.advance({ minutes: 5 })
    await sessions.touch(session, 'page')
    for (const landing of landed) {
      if (landing.answer?.['code'] !== undefined)
        expect((await redeemed(landing)).body.error).toBe('invalid_grant')
    }
    expect((await stores.sessions.find(session.id))?.ended).toEqual(ending)
    expect(await stores.sessions.appSessionsOf([session.id], 'active')).toEqual([])
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['error']).toBe('login_required')
  })

  test('4: an end that was acknowledged is on disk: what a kill -9 leaves behind knows it, and the app is told', async () => {
    await using world = await startWorld()
    const { session } = await adaAtWiki(world)
    await end(world, session)
    // What the files hold at this instant, with nothing closed or flushed, is what a killed process leaves.
    const left = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
    cpSync(join(world.folder, 'data'), join(left, 'data'), { recursive: true })
    {
      const settings = { issuer: world.issuer }
      await using restarted = await startGateway({ folder: left, clock: world.clock, settings })
      expect((await restarted.gateway.stores.sessions.find(session.id))?.ended?.cause).toBe('admin')
      await restarted.gateway.dispatcher.runDue()
    }
    rmSync(left, { recursive: true, force: true })
    expect(world.receiver.received.filter(({ path }) => path === '/wiki/backchannel-logout')).toHaveLength(1)
  })

  test('5: a delivery is settled by what the app answered, not because sending began', async () => {
    await using world = await startWorld({ settings: { logout: { timeout: '1s' } } })
    const { session } = await adaAtWiki(world)
    const states = async () => (await deliveriesOf(world)).map(({ progress }) => progress.state)
    await end(world, session)
    world.receiver.behave('hang')
    const before = world.receiver.received.length
    const sending = world.gateway.dispatcher.runDue()
    await world.receiver.arrived(before + 1)
    expect(await states()).toEqual(['pending'])
    await sending
    expect(await states()).toEqual(['pending'])

    world.receiver.behave({ answer: 503 })
    world.clock.advance({ hours: 1 })
    await world.gateway.dispatcher.runDue()
    expect(await states()).toEqual(['pending'])
    world.receiver.behave({ answer: 200 })
    world.clock.advance({ hours: 1 })
    await world.gateway.dispatcher.runDue()
    expect(await states()).toEqual(['delivered'])
  })

  test('6: a person who signs out is answered although an app never answers', async () => {
    await using world = await startWorld({ background: true, settings: { logout: { timeout: '1s' } } })
    const { browser } = await adaAtWiki(world)
    const question = await browser.get(`${world.issuer}/sign-out`)
    world.receiver.behave('hang')
    const before = world.receiver.received.length
    const page = await browser.submit(question, { decision: 'sign-out' })
    expect(page.url).toContain('/sign-out/lgo_')
    expect(page.text).toContain('Wiki')
    await world.receiver.arrived(before + 1)
    expect((await deliveriesOf(world)).map(({ progress }) => progress.state)).toEqual(['pending'])
  })

  test('7: a code is redeemed once, by one of many at the same time', async () => {
    await using world = await startWorld({ seed: 7 })
    const { client, browser } = await adaAtWiki(world)
    const { answer, verifier } = await opened(browser, client)
    const code = answer?.['code'] ?? ''
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(client, { code, verifier })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('7: a one-time thing is used once, by one of two processes', async () => {
    await using database = await openTestDatabase()
    const other = await openSqlite({ file: database.file })
    const nodes = [database, other].map((each) => createSqlArtifactStore(each, 'default'))
    const sessions = createSqlSessionStore(database, 'default')
    await sessions.insert(anSsoSession(), 'secret', noon)
    await sessions.join(anAppSession(), undefined)
    for (let round = 0; round < 20; round++) {
      const claims = nodes.map((node) => node.claimOnce('dpop', `${round}`, noon, noon + 1_000))
      expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1)
    }
    await other.close()
  })

  test('8: a store that fails is 503 and keeps the cookie; it is never "no session"', async () => {
    let broken = false
    const pause = async () => {
      if (broken) throw new GatewayError('store_unavailable', 'The database does not answer.')
    }
    await using world = await startWorld({ pause })
    const { client, browser, access } = await adaAtWiki(world)
    broken = true
    for (const path of ['/', '/account', '/oauth/end-session']) {
      const page = await browser.get(`${world.issuer}${path}`, { follow: false })
      expect([path, page.status, page.setCookies]).toEqual([path, 503, []])
    }
    expect(await userinfoStatus(client, access)).toBe(503)
    expect((await opened(browser, client, { prompt: 'none' })).page.status).toBe(503)
    broken = false
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['code']).toBeDefined()
  })

  test('11: no address is built from the request', async () => {
    await using world = await startWorld()
    const asWritten = await fromForeignHost(world, '/')
    expect(asWritten).not.toBe('')
    const client = world.client('wiki')
    const query = new URLSearchParams({
      client_id: 'wiki',
      redirect_uri: client.redirectUri,
      response_type: 'code',
    })
    for (const path of [
      '/',
      '/sign-in',
      '/account',
      '/sign-out',
      '/nowhere',
      `/oauth/authorize?${query}`,
      '/oauth/end-session',
    ])
      expect(await fromForeignHost(world, path)).not.toContain('evil.example')
  })

  test('12: what is too large or too many is refused, what is too deep does no harm, and the gateway goes on', async () => {
    await using world = await startWorld()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const statusOf = async (path: string, init: RequestInit) =>
      (await fetch(`${world.issuer}${path}`, { redirect: 'manual', ...init })).status
    const huge = 'x'.repeat(2_000_000)
    const many = Array.from({ length: 5_000 }, (_, field) => `f${field}=1`).join('&')
    const deep = `{"userinfo":${'{"a":'.repeat(400)}1${'}'.repeat(400)}}`
    expect(await statusOf('/oauth/token', { method: 'POST', headers: form, body: `code=${huge}` })).toBe(400)
    expect(await statusOf('/sign-in', { method: 'POST', headers: form, body: `email=${huge}` })).toBe(413)
    expect(await statusOf('/oauth/end-session', { method: 'POST', headers: form, body: many })).toBe(400)
    expect(await statusOf(`/oauth/authorize?state=${huge.slice(0, 20_000)}`, {})).toBe(431)
    const { answer } = await opened(await world.signedIn(), world.client('wiki'), { claims: deep })
    expect(answer).toBeDefined()
    expect(world.logLines.filter(({ level }) => level === 'error')).toEqual([])
    expect(await statusOf('/healthz', {})).toBe(200)
  })
})

/** Everything of an answer to a request that says it came to another host. */
function fromForeignHost(world: World, path: string): Promise<string> {
  const headers = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    forwarded: 'host=evil.example',
    accept: 'text/html',
  }
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port: world.port, path, headers }, (answer) => {
      text(answer).then((body) => resolve(`${JSON.stringify(answer.rawHeaders)}${body}`), reject)
    })
    asking.on('error', reject).end()
  })
}
