import { describe, expect, test } from 'vitest'
import { compose } from '#gateway/compose.ts'
import type { AccountId, AppId, SsoSessionId } from '#gateway/kernel/ids.ts'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { startGateway } from '#test/support/gateway.ts'
import {
  authorize,
  claimsOf,
  codeFor,
  exchange,
  isActive,
  refresh,
  userinfoStatus,
} from '#test/support/oauth.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { ada, bob, declaredApp, startTwoApps, type TwoApps } from '#test/support/two-apps.ts'
import {
  addGrace,
  clientOf,
  grace,
  isSignedIn,
  opens,
  operator,
  sessionCookie,
  signedIn,
} from './attacker.ts'
import { addPasskey, answerChallenge, challengeFor, requestOptionsOf } from './passkeys.ts'

describe('B: revocation', () => {
  test('N-010 requests in flight while a session is ended do not bring it back', async () => {
    await using all = await startTwoApps({ seed: 10 })
    const wiki = clientOf(all, 'wiki')
    for (let round = 0; round < 12; round += 1) {
      const browser = await sessionOf(all)
      const cookie = sessionCookie(all, browser) ?? ''
      const [outcomes] = await Promise.all([
        Promise.allSettled([
          authorize(browser, wiki),
          authorize(browser, clientOf(all, 'board'), { prompt: 'none' }),
          browser.get(`${all.issuer}/account`, { follow: false }),
          browser.get(`${all.issuer}/`, { follow: false }),
        ]),
        all.gateway.commands.sessions.end(await onlySession(all), operator),
      ])
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
      expect(await opens(all, cookie)).toBe(false)
      expect(await authorize(browser, wiki, { prompt: 'none' })).toEqual({
        kind: 'error',
        error: 'login_required',
      })
      expect(await all.gateway.stores.sessions.countActive(10)).toBe(0)
      // What a code that still got out was worth: nothing.
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled' && 'kind' in outcome.value && outcome.value.kind === 'code')
          expect((await exchange(wiki, outcome.value)).body.error).toMatch(/^invalid_(grant|client)$/)
      }
    }
  })

  test('N-011 a session that an operator ends is dead at once, here and in another process on the same store', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    const cookie = sessionCookie(all, browser) ?? ''
    await using beside = await compose(all.gateway.config, { clock: all.clock, log: all.gateway.log })
    const ended = await beside.commands.sessions.end(await onlySession(all), operator)
    expect(ended.ssoSessionIds).toHaveLength(1)
    expect(await opens(all, cookie)).toBe(false)
    expect((await authorize(browser, clientOf(all, 'wiki'), { prompt: 'none' })).kind).toBe('error')
    expect(await beside.sessions.resolve(cookie, { address: '' })).toEqual({ kind: 'none', why: 'ended' })
    expect(await all.gateway.sessions.resolve(cookie, { address: '' })).toEqual({
      kind: 'none',
      why: 'ended',
    })
  })

  test('N-012 a rotated, a replayed and a revoked refresh token stay dead after a restart', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const tokensOf = async () => (await exchange(wiki, await codeFor(browser, wiki))).body.refresh_token ?? ''
    const [rotated, replayed, ended] = [await tokensOf(), await tokensOf(), await tokensOf()]
    const successor = (await refresh(wiki, rotated)).body.refresh_token ?? ''
    const heir = (await refresh(wiki, replayed)).body.refresh_token ?? ''
    all.clock.advance({ seconds: 11 })
    // A replay kills the family, the honest holder's token with it.
    expect((await refresh(wiki, replayed)).status).toBe(400)
    expect((await refresh(wiki, heir)).status).toBe(400)
    await all.stop()

    await using restarted = await startGateway({
      folder: all.folder,
      port: all.port,
      clock: all.clock,
      settings: {
        accounts: [ada, bob],
        apps: [declaredApp('wiki', all.wiki.url), declaredApp('board', all.board.url)],
      },
    })
    await forgetConnections(all.issuer)
    expect((await refresh(wiki, replayed)).body.error).toBe('invalid_grant')
    expect((await refresh(wiki, heir)).body.error).toBe('invalid_grant')
    const live = (await refresh(wiki, successor)).body.refresh_token ?? ''
    expect((await refresh(wiki, rotated)).body.error).toBe('invalid_grant')
    expect((await refresh(wiki, live)).body.error).toBe('invalid_grant')
    await restarted.gateway.commands.sessions.end(await onlySession(restarted), operator)
    expect((await refresh(wiki, ended)).body.error).toBe('invalid_grant')
  })

  test('N-013 every endpoint knows at once that a session has ended', async () => {
    await using all = await startTwoApps()
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const browser = await signedIn(all)
    const { body } = await exchange(wiki, await codeFor(browser, wiki))
    const [access, refreshToken] = [body.access_token ?? '', body.refresh_token ?? '']
    const code = await codeFor(browser, board)
    expect([await isActive(wiki, access), await userinfoStatus(wiki, access)]).toEqual([true, 200])

    await all.gateway.commands.sessions.end(await onlySession(all), operator)

    expect(await isActive(wiki, access)).toBe(false)
    expect(await isActive(wiki, refreshToken)).toBe(false)
    expect(await userinfoStatus(wiki, access)).toBe(401)
    expect((await refresh(wiki, refreshToken)).body.error).toBe('invalid_grant')
    expect((await exchange(board, code)).body.error).toBe('invalid_grant')
    expect((await authorize(browser, wiki, { prompt: 'none' })).kind).toBe('error')
    expect(await isSignedIn(all, browser)).toBe(false)
    // The hint of the ended session still leads back to the app, and ends nothing more.
    const query = new URLSearchParams({
      id_token_hint: body.id_token ?? '',
      post_logout_redirect_uri: `${all.wiki.url}/`,
    })
    const out = await browser.get(`${all.issuer}/oauth/end-session?${query}`, { follow: false })
    expect(out.location).toBe(`${all.wiki.url}/`)
    expect(claimsOf(body.id_token)['sid']).toBeTypeOf('string')
  })

  test('N-014 somebody who is disabled in the middle of a sign-in cannot finish it, and loses what they have', async () => {
    await using all = await startTwoApps({ board: { sessions: { acr: 'urn:gatehouse:acr:2' } } })
    const { id } = await addGrace(all)
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const authenticator = createSoftwareAuthenticator({ origin: all.issuer })
    const browser = await signedIn(all, grace)
    await addPasskey(all, browser, authenticator)
    const { body } = await exchange(wiki, await codeFor(browser, wiki))
    const code = await codeFor(browser, wiki)
    // One browser has given the password and is asked for the passkey, another has not begun to answer.
    const halfway = createBrowser()
    const asked = await halfway.get(`${all.board.url}/sign-in`)
    const more = await halfway.submit(asked, grace, { action: '/sign-in' })
    const options = requestOptionsOf(await challengeFor(halfway, asked))
    expect([more.status, await isSignedIn(all, halfway)]).toEqual([200, false])
    const waiting = createBrowser()
    const untouched = await waiting.get(`${all.wiki.url}/sign-in`)

    await all.gateway.commands.accounts.disable(id, operator)

    const answer = await answerChallenge(halfway, asked, authenticator.assert(options))
    expect([answer.status, answer.body['location']]).toEqual([400, undefined])
    expect((await waiting.submit(untouched, grace, { action: '/sign-in' })).status).toBe(403)
    expect(await isSignedIn(all, halfway)).toBe(false)
    expect(await isSignedIn(all, waiting)).toBe(false)
    expect(await isSignedIn(all, browser)).toBe(false)
    expect((await authorize(browser, board, { prompt: 'none' })).kind).toBe('error')
    expect((await refresh(wiki, body.refresh_token ?? '')).body.error).toBe('invalid_grant')
    expect(await userinfoStatus(wiki, body.access_token ?? '')).toBe(401)
    expect((await exchange(wiki, code)).body.error).toBe('invalid_grant')
  })

  test('N-014 a consent page that was open when the account was disabled grants nothing', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const { id } = await addGrace(all)
    const browser = await signedIn(all, grace)
    const question = await browser.get(`${all.board.url}/sign-in`)
    await all.gateway.commands.accounts.disable(id, operator)
    const answered = await browser.submit(question, { decision: 'allow' }, { follow: false })
    expect([answered.status >= 400, answered.location]).toEqual([true, undefined])
    expect(await all.gateway.stores.consents.find(id, 'board' as AppId)).toBeUndefined()
  })
})

/** A session without the sign-in page, whose password would take most of the time. */
async function sessionOf(all: TwoApps): Promise<Browser> {
  const browser = createBrowser()
  const { secret } = await all.gateway.transaction.run(
    () =>
      all.gateway.sessions.begin({
        accountId: ada.id as AccountId,
        authentication: {
          methods: ['password'],
          amr: ['pwd'],
          acr: 'urn:gatehouse:acr:1',
          credentialIds: [],
          at: all.clock.now(),
        },
        remembered: false,
        address: '127.0.0.1',
        userAgent: 'attacks',
      }),
    { durable: true },
  )
  browser.setCookie(all.issuer, all.gateway.cookieNames.session, secret)
  return browser
}

async function onlySession({ gateway }: Pick<TwoApps, 'gateway'>): Promise<SsoSessionId> {
  const sessions = await gateway.stores.sessions.list({ state: 'active', limit: 2 })
  const [session] = sessions
  if (session === undefined || sessions.length > 1) throw new Error(`${sessions.length} sessions are live`)
  return session.id
}

/** Connections to the process that was stopped are still in the pool of whoever asked it. */
async function forgetConnections(issuer: string): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) await fetch(`${issuer}/healthz`).catch(() => undefined)
}
