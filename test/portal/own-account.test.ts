import { describe, expect, it } from 'vitest'
import { createSqlAccountStore } from '#adapters/sql/accounts.ts'
import { ada, password, startPortal } from './portal.ts'

describe('changing one’s own password', () => {
  it('of two changes at once that both know the old one, one wins and the other is told that it was wrong', async () => {
    await using portal = await startPortal({ seed: 7 })
    const account = await portal.addPerson()
    await portal.signedIn()
    const [session] = await portal.sessionsOf(account)
    if (session === undefined) throw new Error('not signed in')
    const change = (newPassword: string) =>
      portal.gateway.commands.ownAccount.changePassword({
        session,
        currentPassword: password,
        newPassword,
        address: '127.0.0.1',
        browser: 'browser',
      })
    const outcomes = await Promise.all([change('first new password'), change('second new password')])
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['changed', 'wrong'])
    const works = await Promise.all(
      ['first new password', 'second new password', password].map(
        async (tried) => (await portal.visitor().signIn(ada, tried)).status === 303,
      ),
    )
    expect(works.filter(Boolean)).toHaveLength(1)
    expect(works[2]).toBe(false)
  })

  it('of a session that has ended changes nothing', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    await portal.signedIn()
    const [session] = await portal.sessionsOf(account)
    if (session === undefined) throw new Error('not signed in')
    await portal.gateway.commands.ownAccount.signOut(session, { browser: 'browser' })
    const outcome = await portal.gateway.commands.ownAccount.changePassword({
      session,
      currentPassword: password,
      newPassword: 'another good password',
      address: '127.0.0.1',
      browser: 'browser',
    })
    expect(outcome).toEqual({ kind: 'session-ended' })
    expect((await portal.visitor().signIn(ada, password)).status).toBe(303)
  })

  it('sets a first password only for an account that has none', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    await portal.signedIn()
    const [session] = await portal.sessionsOf(account)
    if (session === undefined) throw new Error('not signed in')
    const first = () =>
      portal.gateway.commands.ownAccount.changePassword({
        session,
        newPassword: 'another good password',
        address: '127.0.0.1',
        browser: 'browser',
      })
    expect(await first()).toEqual({ kind: 'wrong' })
    await createSqlAccountStore(portal.gateway.database, 'default').setPassword(
      account.id,
      undefined,
      portal.clock.now(),
    )
    expect((await first()).kind).toBe('changed')
  })
})
