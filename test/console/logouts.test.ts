import { describe, expect, test } from 'vitest'
import { grace, inAMinute, startConsole } from './console.ts'

/** The lines of the list: the name of each Logout, in the order of the page. */
const lines = (text: string): readonly string[] =>
  [...text.matchAll(/href="\/console\/logouts\/(lgo_[A-Za-z0-9_-]+)"/g)].map(([, id = '']) => id)

describe('the list of Logouts', () => {
  test('is the newest first, with cause, actor, whose, and how far telling has come', async () => {
    await using console = await startConsole()
    const first = await console.signOut(console.adaAccount, 'wiki', 'notes', 'printer')
    console.clock.advance({ minutes: 5 })
    const second = await console.signOut(console.adaAccount, 'wiki')
    const before = await console.operator.open('/console/logouts')
    expect(before.status).toBe(200)
    expect(lines(before.text)).toEqual([second, first])
    expect(before.text).toContain('Ended by an operator')
    expect(before.text).toContain('by the command line')
    expect(before.text).toContain('ada@example.com')
    expect(before.text).toContain('0 of 3 confirmed · 2 waiting · 1 cannot be told')
    await console.gateway.dispatcher.runDue()
    const after = await console.operator.open('/console/logouts')
    expect(after.text).toContain('2 of 3 confirmed · 1 cannot be told')
    expect(after.text).toContain('1 of 1 confirmed')
  })

  test('goes on page by page to the end, and back to the newest', async () => {
    await using console = await startConsole()
    const all: string[] = []
    for (let number = 0; number < 23; number += 1) {
      all.unshift(await console.signOut(console.adaAccount))
      console.clock.advance({ seconds: 1 })
    }
    const first = await console.operator.open('/console/logouts')
    expect(lines(first.text)).toEqual(all.slice(0, 12))
    expect(first.text).not.toContain('>Newest<')
    const older = /href="([^"]+)">Older</.exec(first.text)?.[1] ?? ''
    const second = await console.operator.open(older)
    expect(lines(second.text)).toEqual(all.slice(12))
    expect(second.text).not.toContain('>Older<')
    expect(second.text).toContain('href="/console/logouts">Newest<')
    // What we did not write begins at the beginning.
    for (const before of ['x', '1-', `${'9'.repeat(40)}-lgo_aaaaa`, "1-'; drop table logouts"]) {
      const page = await console.operator.open(`/console/logouts?before=${encodeURIComponent(before)}`)
      expect(lines(page.text)).toEqual(all.slice(0, 12))
    }
  })

  test('shows those of a person, by e-mail or id, those of an app, by name or id, and those that wait', async () => {
    await using console = await startConsole()
    const ofGrace = await console.signOut(
      await console.addPerson({ email: 'alan@example.com', name: 'Alan' }),
      'notes',
    )
    await console.gateway.dispatcher.runDue()
    const ofAda = await console.signOut(console.adaAccount, 'wiki')
    const shown = async (query: string) =>
      lines((await console.operator.open(`/console/logouts?${query}`)).text)
    expect(await shown('person=ada%40example.com')).toEqual([ofAda])
    expect(await shown('person=ADA%40EXAMPLE.COM')).toEqual([ofAda])
    expect(await shown(`person=${console.adaAccount.id}`)).toEqual([ofAda])
    expect(await shown('app=notes')).toEqual([ofGrace])
    expect(await shown('app=Wiki')).toEqual([ofAda])
    expect(await shown('waiting=1')).toEqual([ofAda])
    expect(await shown('waiting=1&app=notes')).toEqual([])
  })

  test('says what the filter does not find, and never everything instead', async () => {
    await using console = await startConsole()
    await console.signOut(console.adaAccount, 'wiki')
    for (const [query, words] of [
      ['person=nobody%40example.com', 'There is no account nobody@example.com.'],
      ['person=not+an+id!', 'There is no account not an id!.'],
      ['app=Nothing', 'There is no app Nothing.'],
    ] as const) {
      const page = await console.operator.open(`/console/logouts?${query}`)
      expect(page.text).toContain(words)
      expect(lines(page.text)).toEqual([])
    }
  })
})

describe('apps that do not answer', () => {
  test('stand on top, with since when, why, how much waits and when they are tried next, until they confirm', async () => {
    await using console = await startConsole()
    expect((await console.operator.open('/console/logouts')).text).not.toContain('id="health"')
    console.wiki.behave('hang-up')
    await console.signOut(console.adaAccount, 'wiki', 'notes')
    for (let tries = 0; tries < 6; tries += 1) {
      await console.gateway.dispatcher.runDue()
      console.clock.advance({ minutes: 2 })
    }
    // Her proof is too old by now: she signs in again.
    const operator = await console.signedIn(grace)
    const page = await operator.open('/console/logouts')
    const health = /id="health"[\s\S]*?<\/section>/.exec(page.text)?.[0] ?? ''
    expect(health).toContain('1 app does not confirm')
    expect(health).toMatch(/Wiki <span class="badge badge-down">Down/)
    expect(health).toMatch(/Has not answered for 1\d min: its answer was broken \(\d+ tries in a row\)\./)
    expect(health).toContain('1 delivery waits for it.')
    expect(health).toMatch(/Next try (now|in \d+ (s|min))\./)
    expect(health).not.toContain('Notes')

    console.wiki.behave({ answer: 200 })
    const retried = await operator.submit(page, '/console/apps/wiki/retry')
    expect(retried.location).toBe('/console/logouts')
    await console.gateway.dispatcher.runDue()
    const after = await operator.open('/console/logouts')
    expect(after.text).not.toContain('id="health"')
    expect(after.text).toContain('2 of 2 confirmed')
    // Said once.
    expect(after.text).toMatch(/to Wiki (is|was|are)/)
    expect((await operator.open('/console/logouts')).text).not.toContain('to Wiki')
  })

  test('are asked again together where there are several, also those that nobody would ask any more', async () => {
    await using console = await startConsole()
    for (const app of [console.wiki, console.notes]) app.behave(inAMinute)
    await console.signOut(console.adaAccount, 'wiki', 'notes')
    await console.gateway.dispatcher.runDue()
    for (const app of [console.wiki, console.notes]) app.behave({ answer: 200 })
    const page = await console.operator.open('/console/logouts')
    expect(page.text).toContain('2 apps do not confirm')
    console.clock.advance({ seconds: 1 })
    const retried = await console.operator.submit(page, '/console/apps/retry')
    expect(retried.location).toBe('/console/logouts')
    await console.gateway.dispatcher.runDue()
    const after = await console.operator.open('/console/logouts')
    expect(after.text).toContain('2 deliveries are being sent again.')
    expect(after.text).not.toContain('id="health"')
  })

  test('are asked again by a command that is written down with who gave it', async () => {
    await using console = await startConsole()
    console.wiki.behave(inAMinute)
    await console.signOut(console.adaAccount, 'wiki')
    await console.gateway.dispatcher.runDue()
    console.clock.advance({ seconds: 1 })
    await console.operator.submit(await console.operator.open('/console/logouts'), '/console/apps/wiki/retry')
    const [line] = await console.gateway.stores.audit.list({ limit: 1 })
    expect(line).toMatchObject({ type: 'delivery.retried', subject: 'wiki' })
    expect(JSON.parse(line?.actor ?? '')).toEqual({ kind: 'operator', accountId: console.graceAccount.id })
  })
})
