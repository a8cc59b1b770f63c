import { describe, expect, test } from 'vitest'
import { reportsAt } from '#test/portal/events.ts'
import { formOf } from '#test/portal/visitor.ts'
import { grace, inAMinute, startConsole } from './console.ts'

interface Report {
  readonly summary: string
  readonly settled: boolean
  readonly rows: readonly {
    readonly key: string
    readonly appName: string
    readonly state: string
    readonly words: string
    readonly attemptCount: number
  }[]
}

const eventsOf = (text: string): string =>
  (/data-events="([^"]+)"/.exec(text)?.[1] ?? '').replaceAll('&amp;', '&')

describe('the report of a Logout', () => {
  test('tells cause, actor, account, when, and per app its channel, state and each attempt', async () => {
    await using console = await startConsole()
    console.wiki.behave({ answer: 503, body: '{"error":"unavailable"}' })
    const id = await console.signOut(console.adaAccount, 'wiki', 'notes', 'printer')
    await console.gateway.dispatcher.runDue()
    const { status, text } = await console.operator.open(`/console/logouts/${id}`)
    expect(status).toBe(200)
    expect(text).toContain('<h1>Ended by an operator</h1>')
    expect(text).toContain('<dd class="sentence">the command line</dd>')
    expect(text).toContain(`<dd>Ada Lovelace <code>${console.adaAccount.id}</code></dd>`)
    expect(text).toMatch(/<dt>Settled<\/dt><dd data-put="settled">Not yet<\/dd>/)
    expect(text).toContain('1 here, 3 at apps')
    expect(text).toContain('1 of 3 confirmed · 1 trying again · 1 cannot be told')
    const wiki =
      /<li class="row delivery"[^>]*data-state="retrying">[\s\S]*?<\/li>\s*<\/ol>/.exec(text)?.[0] ?? ''
    expect(wiki).toContain('Wiki <span class="quiet">told directly</span>')
    expect(wiki).toMatch(/Not confirmed yet: it answered 503\. Next try in \d+ s\./)
    expect(wiki).toMatch(/<span>\d+ ms<\/span> <span>503<\/span>/)
    expect(text).toContain(
      'Cannot be told: it offers no way to tell it. How long its own session lasts is not known.',
    )
    expect(text).toContain('Printer <span class="quiet">no way to tell it</span>')
  })

  test('asks one app again, and no other', async () => {
    await using console = await startConsole()
    console.wiki.behave(inAMinute)
    console.notes.behave(inAMinute)
    const id = await console.signOut(console.adaAccount, 'wiki', 'notes')
    await console.gateway.dispatcher.runDue()
    console.clock.advance({ seconds: 1 })
    const path = `/console/logouts/${id}`
    const page = await console.operator.open(path)
    const [delivery] = await console.gateway.stores.logouts.deliveriesOf([id])
    const answer = await console.operator.submit(page, `${path}/retry`, { delivery: delivery?.id ?? '' })
    expect(answer.location).toBe(path)
    expect((await console.operator.open(path)).text).toContain('1 delivery is being sent again.')
    await console.gateway.dispatcher.runDue()
    expect([console.wiki.received.length, console.notes.received.length].toSorted()).toEqual([1, 2])
  })

  test('asks all of its apps again, also those that had refused or been given up, and none of another Logout', async () => {
    await using console = await startConsole({ settings: { logout: { retry_for: '1m' } } })
    console.wiki.behave({ answer: 503 })
    console.notes.behave({ answer: 404 })
    const id = await console.signOut(console.adaAccount, 'wiki', 'notes')
    const other = await console.signOut(console.adaAccount, 'wiki')
    for (let tries = 0; tries < 8; tries += 1) {
      await console.gateway.dispatcher.runDue()
      console.clock.advance({ minutes: 2 })
    }
    const path = `/console/logouts/${id}`
    const operator = await console.signedIn(grace)
    const settled = await operator.open(path)
    expect(settled.text).toMatch(/0 of 2 confirmed · 1 refused · 1 given up|0 of 2 confirmed · 2 given up/)
    console.wiki.behave({ answer: 200 })
    console.notes.behave({ answer: 200 })
    await operator.submit(settled, `${path}/retry`)
    await console.gateway.dispatcher.runDue()
    await console.gateway.dispatcher.runDue()
    expect((await operator.open(path)).text).toContain('2 of 2 confirmed')
    expect((await operator.open(`/console/logouts/${other}`)).text).toContain('0 of 1 confirmed')
  })

  test('has nothing to retry where every app has confirmed, and a receipt from then on', async () => {
    await using console = await startConsole()
    const id = await console.signOut(console.adaAccount, 'wiki')
    const path = `/console/logouts/${id}`
    const early = await console.operator.get(`${path}/receipt`)
    expect(early.location).toBe(path)
    const open = await console.operator.open(path)
    expect(open.text).toContain('There is no receipt while an app waits to be told.')
    expect(open.text).toMatch(/data-when-settled hidden>/)
    await console.gateway.dispatcher.runDue()
    const page = await console.operator.open(path)
    expect(() => formOf(page, `${path}/retry`)).toThrow()
    expect(page.text).toMatch(/data-when-settled>Download signed receipt/)
    const receipt = await console.operator.get(`${path}/receipt`)
    expect(receipt.status).toBe(200)
    expect(receipt.headers.get('Content-Type')).toBe('application/jwt')
    expect(receipt.headers.get('Content-Disposition')).toBe(`attachment; filename="${id}.jwt"`)
    const [, payload = ''] = receipt.text.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: console.issuer,
      logout: { id },
    })
  })

  test('follows what apps answer, of the deliveries on the page, and ends when nothing more will change', async () => {
    await using console = await startConsole()
    console.wiki.behave({ answer: 503 })
    const id = await console.signOut(console.adaAccount, 'wiki', 'notes')
    const events = eventsOf((await console.operator.open(`/console/logouts/${id}`)).text)
    let looks = 0
    const seen = await reportsAt<Report>(console, console.operator, events, (report) => {
      looks += 1
      if (looks === 1) void console.gateway.dispatcher.runDue()
      if (report.rows.some(({ state }) => state === 'retrying')) {
        console.wiki.behave({ answer: 200 })
        console.clock.advance({ minutes: 5 })
        void console.gateway.dispatcher.runDue()
      }
      return report.settled
    })
    expect(seen[0]?.rows.map(({ appName, state }) => [appName, state]).toSorted()).toEqual([
      ['Notes', 'waiting'],
      ['Wiki', 'waiting'],
    ])
    const last = seen.at(-1)
    expect(last?.summary).toBe('2 of 2 confirmed')
    expect(last?.rows.find(({ appName }) => appName === 'Wiki')).toMatchObject({
      state: 'confirmed',
      attemptCount: 2,
    })
    const [onlyOne = ''] = seen[0]?.rows.map(({ key }) => key) ?? []
    const one = await reportsAt<Report>(
      console,
      console.operator,
      `/console/logouts/${id}/events?rows=${onlyOne}.dlv_unknown.x`,
      () => true,
    )
    expect(one[0]?.rows.map(({ key }) => key)).toEqual([onlyOne])
  })

  test('with more deliveries than a page holds counts them by app, and lists them page by page, the urgent first', async () => {
    await using console = await startConsole()
    console.wiki.behave({ answer: 503 })
    for (let number = 0; number < 11; number += 1) {
      console.clock.advance({ seconds: 1 })
      const browser = console.visitor()
      await browser.signIn('ada@example.com', 'correct horse battery')
      const [session] = await console.sessionsOf(console.adaAccount)
      if (session !== undefined) await console.join(session, number === 10 ? 'wiki' : 'notes')
    }
    const { logoutId } = await console.gateway.commands.sessions.endOfAccount(console.adaAccount.id, {
      kind: 'command-line',
    })
    await console.gateway.dispatcher.runDue()
    await console.gateway.dispatcher.runDue()
    await console.gateway.dispatcher.runDue()
    const path = `/console/logouts/${logoutId}`
    const first = await console.operator.open(path)
    expect(first.text).toContain('10 of 10 confirmed')
    expect(first.text).toContain('0 of 1 confirmed · 1 trying again')
    expect(first.text.match(/class="row delivery"/g)).toHaveLength(5)
    expect(first.text.indexOf('data-state="retrying"')).toBeLessThan(
      first.text.indexOf('class="row delivery" data-row'),
    )
    const second = await console.operator.open(`${path}?page=3`)
    expect(second.text.match(/class="row delivery"/g)).toHaveLength(1)
    for (const page of ['99', '-1', 'x', '1.5']) {
      expect((await console.operator.open(`${path}?page=${page}`)).status).toBe(200)
    }
  })

  test('is nowhere for a Logout that there never was', async () => {
    await using console = await startConsole()
    for (const id of ['lgo_0123456789012345678901', 'lgo_', 'x', '..%2f..']) {
      expect((await console.operator.get(`/console/logouts/${id}`)).status).toBe(404)
      expect((await console.operator.get(`/console/logouts/${id}/events`)).status).toBe(
        id.length > 20 ? 204 : 404,
      )
      expect((await console.operator.get(`/console/logouts/${id}/receipt`)).status).toBe(404)
    }
  })
})
