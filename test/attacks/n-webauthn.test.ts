import { beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '#test/support/browser.ts'
import { createSoftwareAuthenticator, type Lies } from '#test/support/passkey.ts'
import { ada, startTwoApps, type TwoApps } from '#test/support/two-apps.ts'
import { addGrace, grace, isSignedIn, operator, postJson, sessionCookie, signedIn } from './attacker.ts'
import {
  addPasskey,
  answerChallenge,
  attemptOf,
  challengeFor,
  creationOptionsOf,
  registrationOptions,
  requestOptionsOf,
  signInWithPasskey,
} from './passkeys.ts'

describe('N: WebAuthn', () => {
  test('N-141 a challenge is answered once, in its time, its ceremony and its browser, and is never the client’s own', async () => {
    await using all = await startTwoApps()
    const { authenticator } = await personWithPasskey(all)
    const thief = createBrowser()
    const page = await thief.get(`${all.issuer}/sign-in`)
    const options = requestOptionsOf(await challengeFor(thief, page))
    const credential = authenticator.assert(options)

    // Another browser that caught the answer, the challenge, or both.
    const other = createBrowser()
    const otherPage = await other.get(`${all.issuer}/sign-in`)
    await challengeFor(other, otherPage)
    expect((await answerChallenge(other, otherPage, credential)).status).toBe(400)
    // A challenge that the client made up, also where it is named beside the answer.
    const invented = { ...options, challenge: 'A'.repeat(43) }
    const chosen = await postJson(thief, page, '/sign-in/passkey', {
      attempt: attemptOf(page),
      credential: authenticator.assert(invented),
      challenge: invented.challenge,
      expectedChallenge: invented.challenge,
    })
    expect(chosen.status).toBe(400)
    // Of the ceremony that adds passkeys.
    const owner = await signedIn(all, grace)
    const adding = await stepUp(all, owner, authenticator)
    const forAdding = creationOptionsOf(adding.answer)
    const crossed = authenticator.assert({ ...options, challenge: forAdding.challenge })
    expect((await answerChallenge(thief, page, crossed)).status).toBe(400)
    expect([await isSignedIn(all, thief), await isSignedIn(all, other)]).toEqual([false, false])

    // The true answer still counts, once.
    const right = await answerChallenge(thief, page, credential)
    expect([right.status, await isSignedIn(all, thief)]).toEqual([200, true])
    const again = await answerChallenge(thief, page, credential)
    expect(again.status).toBeGreaterThanOrEqual(400)

    const slow = createBrowser()
    const slowPage = await slow.get(`${all.issuer}/sign-in`)
    const slowOptions = requestOptionsOf(await challengeFor(slow, slowPage))
    all.clock.advance({ minutes: 5 })
    expect((await answerChallenge(slow, slowPage, authenticator.assert(slowOptions))).status).toBe(400)
  })

  describe('what a response may not say', () => {
    let all: TwoApps
    let authenticator: ReturnType<typeof createSoftwareAuthenticator>
    beforeAll(async () => {
      all = await startTwoApps()
      authenticator = (await personWithPasskey(all)).authenticator
      return () => all[Symbol.asyncDispose]()
    })

    const port = () => String(all.port)
    test.for<readonly [what: string, lies: () => Lies]>([
      ['N-142 another origin', () => ({ origin: 'https://evil.example' })],
      ['N-142 another port', () => ({ origin: `http://localhost:${Number(port()) + 1}` })],
      ['N-142 https instead of http', () => ({ origin: `https://localhost:${port()}` })],
      ['N-142 a subdomain', () => ({ origin: `http://a.localhost:${port()}` })],
      ['N-142 the address instead of the name', () => ({ origin: `http://127.0.0.1:${port()}` })],
      [
        'N-142 an origin that only begins like ours',
        () => ({ origin: `http://localhost:${port()}.evil.example` }),
      ],
      ['N-142 the identifier of a parent', () => ({ rpId: 'host' })],
      ['N-142 another relying party', () => ({ rpId: 'evil.example' })],
      ['N-142 a frame of another origin', () => ({ crossOrigin: true })],
      [
        'N-142 a frame whose top is another origin',
        () => ({ crossOrigin: true, topOrigin: 'https://evil.example' }),
      ],
      [
        'N-142 a top origin though it says it is none of a frame',
        () => ({ topOrigin: 'https://evil.example' }),
      ],
      ['N-142 another type of ceremony', () => ({ type: 'webauthn.create' })],
      ['N-143 nobody verified', () => ({ userVerified: false })],
      ['N-143 nobody present', () => ({ userPresent: false })],
      ['N-143 neither present nor verified', () => ({ userPresent: false, userVerified: false })],
      [
        'N-144 the handle of another person',
        () => ({ userHandle: Buffer.from('somebody else').toString('base64url') }),
      ],
      ['N-144 a credential that nobody has', () => ({ webauthnId: Buffer.alloc(16).toString('base64url') })],
      ['N-144 a bad signature', () => ({ badSignature: true })],
      ['N-145 backed up though it cannot be', () => ({ backupEligible: false, backedUp: true })],
      [
        'N-145 another word on whether it can be backed up',
        () => ({ backupEligible: false, backedUp: false }),
      ],
    ])('%s is refused at sign-in', async ([, lies]) => {
      const thief = createBrowser()
      const answer = await signInWithPasskey(all, thief, authenticator, lies())
      expect([answer.status, sessionCookie(all, thief)]).toEqual([400, undefined])
    })

    test('N-143 flags that are written beside the response count for nothing', async () => {
      const thief = createBrowser()
      const page = await thief.get(`${all.issuer}/sign-in`)
      const options = requestOptionsOf(await challengeFor(thief, page))
      const credential = authenticator.assert(options, { userVerified: false })
      const answer = await answerChallenge(thief, page, {
        ...credential,
        userVerified: true,
        flags: { uv: true, up: true },
        response: { ...credential.response, userVerified: true, requireUserVerification: false },
      })
      expect([answer.status, sessionCookie(all, thief)]).toEqual([400, undefined])
    })

    test('N-144 the passkey of one person opens nothing of another, whoever is asked to sign in', async () => {
      // Bob has no passkey at all; his name is on the page, Grace's passkey in the answer.
      const victim = createBrowser()
      const page = await victim.get(`${all.wiki.url}/sign-in?login_hint=bob@example.com`)
      const options = requestOptionsOf(await challengeFor(victim, page))
      expect(options.allowCredentials ?? []).toEqual([])
      const answer = await answerChallenge(victim, page, authenticator.assert(options))
      expect(answer.status).toBe(200)
      expect((await victim.get(`${all.issuer}/account`)).text).toContain(grace.email)
      // With Ada's session in the browser and only Ada wanted, it opens nothing.
      const hers = await signedIn(all)
      all.clock.advance({ seconds: 1 })
      const asked = await hers.get(`${all.issuer}/account/confirm`)
      const wanted = requestOptionsOf(await challengeFor(hers, asked))
      expect((await answerChallenge(hers, asked, authenticator.assert(wanted))).status).toBe(400)
      expect((await hers.get(`${all.issuer}/account`)).text).toContain(ada.email)
    })

    test.for<readonly [what: string, response: unknown]>([
      ['nothing', undefined],
      ['null', null],
      ['a list', []],
      ['a text', 'credential'],
      ['an empty object', {}],
      ['fields of other types', { id: 1, rawId: [], type: {}, response: 'x', clientExtensionResults: null }],
      [
        'client data that is not JSON',
        {
          id: 'AA',
          rawId: 'AA',
          type: 'public-key',
          clientExtensionResults: {},
          response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' },
        },
      ],
      ['a deep one', JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`)],
    ])('N-143 a response that is %s is refused, and is no failure of ours', async ([, response]) => {
      const thief = createBrowser()
      const page = await thief.get(`${all.issuer}/sign-in`)
      await challengeFor(thief, page)
      const answer = await answerChallenge(thief, page, response)
      expect([answer.status, sessionCookie(all, thief)]).toEqual([400, undefined])
    })
  })

  test('N-144 a counter that goes back is an event in the audit trail', async () => {
    await using all = await startTwoApps()
    const { authenticator } = await personWithPasskey(all, { counts: true })
    expect((await signInWithPasskey(all, createBrowser(), authenticator, { counter: 40 })).status).toBe(200)
    await signInWithPasskey(all, createBrowser(), authenticator, { counter: 7 })
    const events = await all.gateway.stores.audit.list({ limit: 50 })
    expect(JSON.stringify(events)).toContain('passkey.counter-regressed')
  })

  test('N-146 adding a passkey takes a fresh proof, with a passkey where there is one', async () => {
    await using all = await startTwoApps()
    const account = await addGrace(all)
    const authenticator = createSoftwareAuthenticator({ origin: all.issuer })
    const browser = await signedIn(all, grace)
    all.clock.advance({ minutes: 10, ms: 1 })
    const stale = await registrationOptions(all, browser)
    expect([stale.answer.status, stale.answer.body['location']]).toEqual([
      403,
      expect.stringMatching(/^\/sign-in\?/),
    ])
    const again = await signedIn(all, grace)
    expect((await addPasskey(all, again, authenticator)).status).toBe(200)
    // Whoever phished the password alone makes no passkey of their own out of it.
    const phished = await signedIn(all, grace)
    const weak = await registrationOptions(all, phished)
    expect([weak.answer.status, weak.answer.body['options']]).toEqual([403, undefined])
    const own = createSoftwareAuthenticator({ origin: all.issuer })
    const planted = own.register({
      ...creationOptionsOf((await stepUp(all, again, authenticator)).answer),
      challenge: 'A'.repeat(43),
    })
    const refused = await postJson(phished, weak.page, '/account/passkeys', { credential: planted })
    expect(refused.status).toBe(400)
    expect(await all.gateway.stores.credentials.listByAccount(account.id)).toHaveLength(1)
  })

  test('N-146 a passkey that was removed is refused at once, here and in another browser’s open page', async () => {
    await using all = await startTwoApps()
    const { authenticator, account } = await personWithPasskey(all)
    const waiting = createBrowser()
    const page = await waiting.get(`${all.issuer}/sign-in`)
    const credential = authenticator.assert(requestOptionsOf(await challengeFor(waiting, page)))
    await all.gateway.commands.accounts.reset(account.id, undefined, operator)
    expect((await answerChallenge(waiting, page, credential)).status).toBe(400)
    expect((await signInWithPasskey(all, createBrowser(), authenticator)).status).toBe(400)
  })

  test('N-145 a registration whose attestation or flags do not hold adds nothing', async () => {
    await using all = await startTwoApps()
    const account = await addGrace(all)
    const browser = await signedIn(all, grace)
    const lies: readonly Lies[] = [
      { attestation: 'chain' },
      { backupEligible: false, backedUp: true },
      { userVerified: false },
      { origin: 'https://evil.example' },
      { crossOrigin: true },
      { rpId: 'evil.example' },
      { type: 'webauthn.get' },
    ]
    for (const lie of lies) {
      const authenticator = createSoftwareAuthenticator({ origin: all.issuer })
      expect([lie, (await addPasskey(all, browser, authenticator, lie)).status]).toEqual([lie, 400])
    }
    expect(await all.gateway.stores.credentials.listByAccount(account.id)).toEqual([])
  })

  test('N-147 two tabs in the middle of a ceremony each use up their own challenge and no other', async () => {
    await using all = await startTwoApps({ seed: 147 })
    const { authenticator } = await personWithPasskey(all)
    const browser = createBrowser()
    const tabs = [
      await browser.get(`${all.issuer}/sign-in`),
      await browser.get(`${all.issuer}/sign-in`),
    ] as const
    const first = requestOptionsOf(await challengeFor(browser, tabs[0]))
    const second = requestOptionsOf(await challengeFor(browser, tabs[1]))
    expect(first.challenge).not.toBe(second.challenge)
    // The answer of one tab, sent by the other: it is not that tab's challenge, and stays good for its own.
    const answer = authenticator.assert(first)
    expect((await answerChallenge(browser, tabs[1], answer)).status).toBe(400)
    const copies = await Promise.all(
      Array.from({ length: 10 }, () => answerChallenge(browser, tabs[0], answer)),
    )
    expect(copies.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await answerChallenge(browser, tabs[1], authenticator.assert(second))).status).toBe(200)
  })
})

/** Grace, with a password and one passkey. */
async function personWithPasskey(all: TwoApps, options: { readonly counts?: boolean } = {}) {
  const account = await addGrace(all)
  const authenticator = createSoftwareAuthenticator({ origin: all.issuer, ...options })
  const added = await addPasskey(all, await signedIn(all, grace), authenticator)
  if (added.status !== 200) throw new Error(JSON.stringify(added.body))
  return { account, authenticator }
}

/** Proves it once more with the passkey, as adding another one demands, and asks for the options then. */
async function stepUp(
  all: TwoApps,
  browser: ReturnType<typeof createBrowser>,
  authenticator: ReturnType<typeof createSoftwareAuthenticator>,
) {
  // A proof of this very instant would do.
  all.clock.advance({ seconds: 1 })
  const page = await browser.get(`${all.issuer}/account/confirm`)
  const options = requestOptionsOf(await challengeFor(browser, page))
  await answerChallenge(browser, page, authenticator.assert(options))
  return registrationOptions(all, browser)
}
