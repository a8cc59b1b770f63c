import { describe, expect, test } from 'vitest'
import { password } from '#test/portal/portal.ts'
import type { Page, Visitor } from '#test/portal/visitor.ts'
import { type Console, grace, startConsole } from './console.ts'

const path = '/console/sessions/end'

const count = (browser: Visitor, query: string): Promise<Page> => browser.open(`${path}/confirm?${query}`)

async function live({ gateway, adaAccount, graceAccount }: Console): Promise<readonly number[]> {
  const of = async (id: typeof adaAccount.id) =>
    (await gateway.stores.sessions.listByAccount(id, { state: 'active', limit: 100 })).length
  return [await of(adaAccount.id), await of(graceAccount.id)]
}

/** Ada in two browsers, one of them with Wiki open. */
async function started(): Promise<Console> {
  const console = await startConsole()
  await console.signedIn()
  console.clock.advance({ minutes: 1 })
  await console.signedIn()
  const [session] = await console.sessionsOf(console.adaAccount)
  if (session !== undefined) await console.join(session, 'wiki')
  return console
}

describe('ending many sessions', () => {
  test('counts first, repeats the selection in words, then ends them and leads to the report', async () => {
    await using console = await started()
    const form = await console.operator.open(path)
    expect(form.text).toContain('Count them')
    const counted = await count(console.operator, 'person=ada%40example.com&method=password')
    expect(counted.text).toContain('2 sessions of 1 person at 1 app')
    expect(counted.text).toContain('<li>Of ada@example.com</li><li>Signed in by password</li>')
    expect(counted.text).not.toContain('Your own session may be among them.')
    expect(await live(console)).toEqual([2, 1])
    const answer = await console.operator.submit(counted, path)
    expect(answer.location).toMatch(/^\/console\/logouts\/lgo_/)
    expect(await live(console)).toEqual([0, 1])
    await console.gateway.dispatcher.runDue()
    const report = await console.operator.open(answer.location ?? '')
    expect(report.text).toContain('<h1>Many ended by an operator</h1>')
    expect(report.text).toContain('Grace Hopper, operator')
    expect(report.text).toContain('1 of 1 confirmed')
    expect(report.text).toContain('2 of 2 sessions worked off.')
    expect(console.wiki.received).toHaveLength(1)
  })

  test.for([
    ['an app', 'app=Wiki', '1 session of 1 person at 1 app', 'With Wiki open'],
    ['an address', 'network=127.0.0.1', '3 sessions of 2 people at 1 app', 'Signed in from 127.0.0.1'],
    [
      'another network',
      'network=192.0.2.0%2F24',
      'Nobody is signed in that way',
      'Signed in from 192.0.2.0/24',
    ],
    [
      'a time',
      'before=2026-03-02+09%3A00',
      'Nobody is signed in that way',
      'Started before 2 Mar 2026, 09:00 UTC',
    ],
    ['a day', 'before=2026-03-03', '3 sessions of 2 people at 1 app', 'Started before 3 Mar, 00:00 UTC'],
    ['a method', 'method=passkey', 'Nobody is signed in that way', 'Signed in by passkey'],
    [
      'a model of passkeys',
      'passkey=ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4',
      'Nobody is signed in that way',
      'Google Password Manager',
    ],
    ['everyone', 'everyone=1', '3 sessions of 2 people at 1 app', 'This is everyone'],
  ] as const)('selects by %s', async ([, query, found, words]) => {
    await using console = await started()
    const page = await count(console.operator, query)
    expect(page.text).toContain(found)
    expect(page.text).toContain(words)
  })

  test.for([
    ['a way to sign in that there is not', 'person=ada%40example.com&method=Passkey', 200],
    [
      'a condition that comes twice',
      'network=127.0.0.0%2F8&person=ada%40example.com&person=x%40example.com',
      400,
    ],
  ] as const)('counts nobody by %s, rather than leave the condition out', async ([, query, status]) => {
    await using console = await started()
    const page = await count(console.operator, query)
    expect(page.status).toBe(status)
    expect(page.text).not.toContain('Ada')
    expect(page.text).not.toMatch(/\d sessions? of/)
    if (status === 200) expect(page.text).toContain('Passkey is not a way to sign in: passkey or password.')
  })

  test('ends everyone only for whoever has typed it, the operator too, who then signs in to the report', async () => {
    await using console = await started()
    const counted = await count(console.operator, 'everyone=1')
    expect(counted.text).toContain('Your own session may be among them.')
    for (const typed of ['', 'every one', 'yes']) {
      const refused = await console.operator.submit(counted, path, { typed })
      expect(refused.location).toBe(`${path}/confirm?everyone=1`)
      const again = await console.operator.open(refused.location ?? '')
      expect(again.text).toContain('Type the word “everyone” to go on. Nothing has ended.')
    }
    expect(await live(console)).toEqual([2, 1])
    const answer = await console.operator.submit(counted, path, { typed: ' Everyone ' })
    expect(answer.location).toMatch(/^\/console\/logouts\/lgo_/)
    expect(await live(console)).toEqual([0, 0])
    const signIn = await console.operator.open(answer.location ?? '')
    expect((await console.operator.signIn(grace, password, signIn)).location).toBe(answer.location)
    expect((await console.operator.open(answer.location ?? '')).text).toContain('Many ended by an operator')
  })

  test.for([
    ['nothing at all', '', 'Say which sessions, or that you mean everyone.'],
    [
      'everyone and a condition',
      'everyone=1&app=wiki',
      'Everyone, or those for whom something holds: not both.',
    ],
    ['a person who is not there', 'person=nobody%40example.com', 'There is no account nobody@example.com.'],
    ['an app that is not there', 'app=nothing', 'There is no app nothing.'],
    ['a network that is none', 'network=198.51.100.0%2F99', '198.51.100.0/99 is not a network'],
    ['an address that is half of one', 'network=10.1', '10.1 is not a network'],
    ['a passkey that is none', 'passkey=x', 'x is not an AAGUID'],
    ['a time that is none', 'before=yesterday', 'yesterday is not a date'],
  ] as const)('counts and ends nothing for %s, and says why', async ([, query, words]) => {
    await using console = await started()
    const page = await count(console.operator, query)
    expect(page.text).toContain(words)
    expect(page.text).toContain('Count them')
    const token = /name="csrf" value="([^"]+)"/.exec((await console.operator.open('/')).text)?.[1] ?? ''
    const forced = await console.operator.post(path, {
      csrf: token,
      typed: 'everyone',
      ...Object.fromEntries(new URLSearchParams(query)),
    })
    expect(forced.text).toContain(words)
    expect(await live(console)).toEqual([2, 1])
  })

  test('comes back to the same selection after a proof that was asked for', async () => {
    await using console = await started()
    console.clock.advance({ minutes: 11 })
    const asked = await console.operator.get(`${path}/confirm?app=wiki&method=password`)
    expect(asked.location).toMatch(/^\/sign-in\?attempt=/)
    const form = await console.operator.open(asked.location ?? '')
    const back = await console.operator.signIn(grace, password, form)
    expect(back.location).toBe(`${path}/confirm?app=wiki&method=password`)
    expect((await console.operator.open(back.location ?? '')).text).toContain(
      '1 session of 1 person at 1 app',
    )
  })

  test('that have ended meanwhile ends nothing, and says so', async () => {
    await using console = await started()
    const counted = await count(console.operator, 'person=ada%40example.com')
    await console.gateway.commands.sessions.endOfAccount(console.adaAccount.id, { kind: 'command-line' })
    const answer = await console.operator.submit(counted, path)
    expect((await console.operator.open(answer.location ?? '')).text).toContain(
      'No session matched any more.',
    )
  })
})
