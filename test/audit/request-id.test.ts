import { describe, expect, test } from 'vitest'
import type { AuditEventType } from '#gateway/audit/event.ts'
import { createBrowser, type Page } from '#test/support/browser.ts'
import type { TestGateway } from '#test/support/gateway.ts'
import { ada, signInAt, startTwoApps } from '#test/support/two-apps.ts'

describe('the id that an answer shows', () => {
  test('is found in the trail: of a refused and of a good sign-in, of consent, and of a sign-out', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const browser = createBrowser()

    const page = await browser.get(`${all.board.url}/sign-in`)
    const refused = await browser.submit(page, { email: ada.email, password: 'not it' })
    expect(await idsOf(all, 'sign-in.failed')).toEqual([idOf(refused)])

    const good = await browser.submit(
      refused,
      { email: ada.email, password: ada.password },
      { follow: false },
    )
    expect(await idsOf(all, 'session.started')).toEqual([idOf(good)])

    const question = await signInAt(browser, all.board)
    const allowed = await browser.submit(question, { decision: 'allow' }, { follow: false })
    expect(await idsOf(all, 'consent.granted')).toEqual([idOf(allowed)])

    const joined = await browser.get(allowed.location ?? '', { follow: false })
    expect(await idsOf(all, 'session.joined')).toEqual([idOf(joined)])

    const signOut = await browser.get(`${all.issuer}/sign-out`)
    const out = await browser.submit(
      signOut,
      { decision: 'sign-out' },
      { action: '/sign-out', follow: false },
    )
    expect(await idsOf(all, 'session.ended')).toEqual([idOf(out)])
    expect(await idsOf(all, 'app-session.ended')).toEqual([idOf(out)])
  })

  test('is not that of a request which only set something off: telling apps is the gateway’s own work', async () => {
    await using all = await startTwoApps({ background: true })
    const browser = createBrowser()
    await signInAt(browser, all.wiki)
    await browser.get(`${all.wiki.url}/sign-out`)
    await expect.poll(() => all.wiki.told.length).toBe(1)
    await expect.poll(() => idsOf(all, 'delivery.settled')).toEqual([undefined])
  })

  test('is in the trail for what a person does on the account page', async () => {
    await using all = await startTwoApps()
    const [here, there] = [createBrowser(), createBrowser()]
    for (const browser of [here, there]) await signInAt(browser, all.wiki)
    const ended = await here.submit(
      await here.get(`${all.issuer}/account`),
      {},
      { action: '/account/sessions/end-others', follow: false },
    )
    expect(ended.status).toBe(303)
    expect(await idsOf(all, 'session.ended')).toEqual([idOf(ended)])
  })

  test('is another for each of many requests at once', async () => {
    await using all = await startTwoApps({ seed: 7 })
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const browser = createBrowser()
        const page = await browser.get(`${all.issuer}/sign-in`)
        return idOf(await browser.submit(page, { email: ada.email, password: 'not it' }, { follow: false }))
      }),
    )
    expect(new Set(answers).size).toBe(8)
    expect((await idsOf(all, 'sign-in.failed')).toSorted()).toEqual(answers.toSorted())
  })
})

function idOf(page: Page): string | null {
  return page.headers.get('x-request-id')
}

async function idsOf(all: TestGateway, type: AuditEventType): Promise<readonly (string | undefined)[]> {
  const rows = await all.gateway.stores.audit.list({ types: [type], limit: 50 })
  return rows.map(({ requestId }) => requestId)
}
