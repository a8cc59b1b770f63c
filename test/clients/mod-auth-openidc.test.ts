import { describe, expect, test } from 'vitest'
import type { Cause } from '#gateway/sessions/cause.ts'
import { apache } from '#test/support/available.ts'
import { ada } from '#test/support/two-apps.ts'
import {
  gatehouse,
  isSignedInAtIntranet,
  type SharedSession,
  signInAtBoth,
  signInAtIntranet,
  startSharedSession,
  untilReported,
} from './shared-session.ts'

/** One way in which a session ends. `meanwhile` runs while the session lives, before the gateway hears of its end. */
interface Way {
  readonly cause: Cause
  readonly sessions?: Readonly<Record<string, string>>
  /** mod_auth_openidc drops its session before it sends the browser to the gateway. */
  readonly endsItself?: true
  end(shared: SharedSession, meanwhile: () => Promise<void>): Promise<void>
}

const ways: Readonly<Record<string, Way>> = {
  'signing out at the gateway': {
    cause: 'account',
    end: async ({ browser, issuer }, meanwhile) => {
      const question = await browser.get(`${issuer}/sign-out`)
      await meanwhile()
      const done = await browser.submit(question, { decision: 'sign-out' }, { action: '/sign-out' })
      expect(done.url).toMatch(new RegExp(`^${issuer}/sign-out/`))
    },
  },
  'signing out at the openid-client app': {
    cause: 'app',
    end: async ({ browser, wiki }, meanwhile) => {
      await meanwhile()
      expect((await browser.get(`${wiki.url}/sign-out`)).url).toBe(`${wiki.url}/?state=signed-out`)
    },
  },
  'signing out at mod_auth_openidc': {
    cause: 'app',
    endsItself: true,
    end: async ({ browser, intranet, issuer }, meanwhile) => {
      const away = await browser.get(intranet.signOutUrl, { follow: false })
      await meanwhile()
      expect(away.location).toMatch(new RegExp(`^${issuer}/oauth/end-session\\?`))
      const back = await browser.get(away.location ?? '', { follow: false })
      expect(back.location).toBe(intranet.signedOutUrl)
    },
  },
  'an operator who ends the session at the command line': {
    cause: 'admin',
    end: async (shared, meanwhile) => {
      const [session] = JSON.parse(await gatehouse(shared, 'session', 'list', '--json')) as [{ id: string }]
      await meanwhile()
      await gatehouse(shared, 'session', 'end', session.id)
    },
  },
  'disabling the account': {
    cause: 'account-disabled',
    end: async (shared, meanwhile) => {
      await meanwhile()
      await gatehouse(shared, 'account', 'disable', ada.email)
    },
  },
  'not using it': {
    cause: 'idle',
    sessions: { idle: '4s' },
    end: async ({ gateway, report }, meanwhile) => {
      await meanwhile()
      await expect
        .poll(
          async () => {
            await gateway.sweeper.runOnce()
            return report().catch(() => undefined)
          },
          { timeout: 10_000 },
        )
        .toBeDefined()
    },
  },
}

describe.skipIf(apache === undefined)('mod_auth_openidc and an openid-client app share one session', () => {
  test('who signed in at mod_auth_openidc opens the other app without a prompt', async () => {
    await using shared = await startSharedSession({ background: true })
    const { browser, wiki, intranet, issuer } = shared
    const page = await signInAtIntranet(shared)
    expect(page.url).toBe(intranet.protectedUrl)
    expect(page.text).toMatch(/^subject=ada email=ada@example\.com sid=\S+$/)

    const atWiki = await browser.get(`${wiki.url}/sign-in`)
    expect(atWiki.text).toContain('Signed in as')
    expect(atWiki.visited).not.toContainEqual(expect.stringContaining(`${issuer}/sign-in`))
    expect(intranet.errors()).not.toMatch(/:error\]/)
  })

  test('who signed in at the other app opens mod_auth_openidc without a prompt', async () => {
    await using shared = await startSharedSession({ background: true })
    await signInAtBoth(shared)
    const page = await shared.browser.get(shared.intranet.protectedUrl)
    expect(page.visited).toEqual([shared.intranet.protectedUrl])
    expect(page.text).toMatch(/^subject=ada /)
  })

  test.for(Object.entries(ways))('%s ends it at both, and both have said so', async ([, way]) => {
    await using shared = await startSharedSession({ background: true, ...limits(way) })
    await signInAtBoth(shared)

    await way.end(shared, async () => {})

    const report = await untilReported(shared, { wiki: 'confirmed', intranet: 'confirmed' })
    expect(report.cause).toBe(way.cause)
    expect(shared.wiki.told).toHaveLength(1)
    expect(shared.wiki.sessions.size).toBe(0)
    await expectToldOnce(shared)
    expect(await isSignedInAtIntranet(shared)).toBe(false)
    expect(await sessionLivesAtGateway(shared)).toBe(false)
  })

  test.for(Object.entries(ways))(
    '%s while mod_auth_openidc is down is told to it when it is back',
    async ([, way]) => {
      await using shared = await startSharedSession({ background: false, ...limits(way) })
      const { gateway, intranet, wiki } = shared
      await signInAtBoth(shared)

      await way.end(shared, intranet.stop)
      await gateway.dispatcher.runDue()
      await untilReported(shared, { wiki: 'confirmed', intranet: 'retrying' })
      expect(wiki.sessions.size).toBe(0)

      await intranet.start()
      // It came back with the sessions it had: unless it is told, its person stays signed in.
      expect(await isSignedInAtIntranet(shared)).toBe(way.endsItself !== true)
      await untilReported(shared, { wiki: 'confirmed', intranet: 'confirmed' }, () =>
        gateway.dispatcher.runDue(),
      )
      await expectToldOnce(shared)
      expect(await isSignedInAtIntranet(shared)).toBe(false)
      expect(wiki.told).toHaveLength(1)
    },
  )
})

function limits({ sessions }: Way): { readonly sessions?: Readonly<Record<string, string>> } {
  return sessions === undefined ? {} : { sessions }
}

/** By its own log, which it writes after it has answered. */
async function expectToldOnce({ intranet }: SharedSession): Promise<void> {
  await expect
    .poll(() => intranet.requests().filter((line) => line.includes('logout=backchannel')))
    .toEqual(['POST /secure/redirect_uri?logout=backchannel 200'])
}

async function sessionLivesAtGateway({ browser, issuer }: SharedSession): Promise<boolean> {
  const page = await browser.get(`${issuer}/`)
  return !page.url.startsWith(`${issuer}/sign-in`)
}
