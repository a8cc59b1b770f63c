import { expect, test } from 'vitest'
import { agreed, believed, keptOf, leave, renewed, startAway } from '#test/oidc/away.ts'
import { openCommandLine, parsed } from './run-gatehouse.ts'

/** Each command is a process of its own, and the machine may be busy. */
const timeout = 120_000

test('gatehouse session show names the apps that keep access, and session end takes it after the session has ended', {
  timeout,
}, async () => {
  await using world = await startAway({ realTime: true })
  const shell = openCommandLine(world.folder)
  const held = await agreed(world)
  const [session] = await world.gateway.stores.sessions.list({ state: 'active', limit: 1 })
  const id = session?.id ?? ''
  expect((await shell.gatehouse('session', 'show', id)).out).toContain('active (keeps access)')
  await leave(world)
  const next = await renewed(held, held.renewal)
  const shown = parsed(await shell.gatehouse('session', 'show', id, '--json'))
  expect(shown).toMatchObject({ appSessions: [{ appId: 'wiki', keepsAccess: true }] })
  const ended = await shell.gatehouse('session', 'end', id)
  expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('Revoked 1 access that apps had') })
  expect(await believed(held, next)).toEqual({ access: false, renewal: false })
  expect(await keptOf(world)).toEqual([])
})

test('gatehouse app add takes what becomes of access while people are away, where there are refresh tokens', {
  timeout,
}, async () => {
  using shell = openCommandLine()
  const add = (id: string, ...more: readonly string[]) =>
    shell.gatehouse('app', 'add', id, '--redirect-uri', 'https://frame.example/', ...more)
  const kept = await add('frame', '--refresh', '--offline', 'survives-sign-out')
  const without = await add('other', '--offline', 'survives-sign-out')
  const unknown = await add('third', '--offline', 'sometimes')
  expect(kept.code).toBe(0)
  expect(without).toMatchObject({ code: 1, err: expect.stringContaining('refresh_token among grant_types') })
  expect(unknown).toMatchObject({
    code: 2,
    err: expect.stringContaining('ends-with-session, survives-sign-out'),
  })
  expect((await shell.gatehouse('app', 'show', 'frame')).out).toMatch(/offline +survives-sign-out/)
})
