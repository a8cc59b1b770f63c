/** What brings each cause about. Closed over the causes: a new one without its act does not compile. */
import type { Actor, Cause } from '#gateway/sessions/cause.ts'
import { browserWith, sessionCookie, signOut } from '#test/attacks/attacker.ts'
import { addPasskey } from '#test/attacks/passkeys.ts'
import type { Page } from '#test/support/browser.ts'
import { authorize, gatewayEndpoints } from '#test/support/oauth.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { signInOn } from '#test/support/two-apps.ts'
import { operator, type Stage, secondPerson } from './stage.ts'

interface ActOf<Result> {
  /** Who the record says it was. */
  readonly by: Actor['kind']
  /** Of the gateway, where it takes others. */
  readonly settings?: Record<string, unknown>
  readonly does: (stage: Stage) => Promise<Result>
}

/** The browser of the session does it, arrives at a page that tells apps, and goes on from there. */
interface ActInBrowser extends ActOf<Page> {
  readonly through: 'browser'
  readonly leadsTo: RegExp
}

/** The browser of the session has no part in it. */
interface ActElsewhere extends ActOf<unknown> {
  readonly through: 'none'
}

export type Act = ActInBrowser | ActElsewhere

/** People and apps, in a browser. */
const inBrowsers = {
  app: {
    through: 'browser',
    by: 'app',
    leadsTo: /^http:\/\/127\.0\.0\.1:\d+\/back-channel-up\/\?state=the-state$/,
    does: ({ world, apps, browser, opened }) => {
      const asking = apps.find('back-channel-up')
      const request = new URLSearchParams({
        id_token_hint: opened.get(asking.id)?.idToken ?? '',
        post_logout_redirect_uri: `${asking.url}/`,
        state: 'the-state',
      })
      return browser.get(`${world.issuer}/oauth/end-session?${request}`)
    },
  },
  account: {
    through: 'browser',
    by: 'account',
    leadsTo: /\/sign-out\/lgo_[\w-]+$/,
    does: ({ world, browser }) => signOut(world, browser),
  },
  'account-switched': {
    through: 'browser',
    by: 'account',
    leadsTo: /\/oauth\/interaction\/[\w-]+\/finish$/,
    does: async ({ world, apps, browser }) => {
      const { id, url } = apps.find('none-up')
      const client = { issuer: world.issuer, clientId: id, clientSecret: '', redirectUri: `${url}/callback` }
      const endpoints = gatewayEndpoints(world.issuer)
      world.clock.advance({ seconds: 1 })
      const asked = await authorize(browser, { ...client, endpoints }, { prompt: 'select_account' })
      if (asked.kind !== 'page') throw new Error('nobody was asked who they are')
      return signInOn(browser, await browser.get(asked.url), secondPerson)
    },
  },
  'account-everywhere': {
    through: 'none',
    by: 'account',
    does: async (stage) => {
      const other = await stage.elsewhere()
      const page = await other.get(`${stage.world.issuer}/account`)
      return other.submit(page, {}, { action: '/account/sessions/end-others' })
    },
  },
  'session-limit': {
    through: 'none',
    by: 'account',
    settings: { sessions: { max_per_account: 1 } },
    does: (stage) => stage.elsewhere(),
  },
  risk: {
    through: 'none',
    by: 'gateway',
    does: async ({ world, browser }) => {
      const copied = sessionCookie(world, browser) ?? ''
      world.clock.advance({ minutes: 11 })
      // The first is given the next secret, the second shows it.
      await browser.get(`${world.issuer}/account`)
      await browser.get(`${world.issuer}/account`)
      world.clock.advance({ minutes: 1 })
      return browserWith(world, copied).get(`${world.issuer}/account`)
    },
  },
} as const satisfies Partial<Record<Cause, Act>>

/** Commands on sessions and accounts, and the file. */
const byCommand = {
  admin: {
    through: 'none',
    by: 'command-line',
    does: async (stage) => {
      const { ssoSessionId } = await stage.appSession('none-up')
      return stage.world.gateway.commands.sessions.end(ssoSessionId, operator)
    },
  },
  bulk: {
    through: 'none',
    by: 'command-line',
    does: ({ world, person }) => world.gateway.commands.sessions.endWhere({ account: person.id }, operator),
  },
  'password-changed': {
    through: 'none',
    by: 'command-line',
    does: ({ world, person }) =>
      world.gateway.commands.accounts.setPassword(person.id, 'quite another password', operator),
  },
  'credential-changed': {
    through: 'none',
    by: 'command-line',
    does: async (stage) => {
      const { world, person } = stage
      const authenticator = createSoftwareAuthenticator({ origin: world.issuer })
      await addPasskey(world, await stage.elsewhere(), authenticator)
      return world.gateway.commands.accounts.reset(person.id, undefined, operator)
    },
  },
  'access-removed': {
    through: 'none',
    by: 'command-line',
    does: ({ world, person }) => world.gateway.commands.accounts.change(person.id, { groups: [] }, operator),
  },
  'account-disabled': {
    through: 'none',
    by: 'command-line',
    does: ({ world, person }) => world.gateway.commands.accounts.disable(person.id, operator),
  },
  'account-deleted': {
    through: 'none',
    by: 'command-line',
    does: ({ world, person }) => world.gateway.commands.accounts.delete(person.id, operator),
  },
  // Each app has a Logout of its own then.
  'app-removed': {
    through: 'none',
    by: 'configuration',
    does: (stage) => stage.restart([]),
  },
} as const satisfies Partial<Record<Cause, Act>>

/** Time, and what nothing in this version brings about yet: those two go to the door itself. */
const byThemselves = {
  idle: {
    through: 'none',
    by: 'gateway',
    does: ({ world }) => {
      world.clock.advance({ hours: 8 })
      return world.gateway.sweeper.runOnce()
    },
  },
  absolute: {
    through: 'none',
    by: 'gateway',
    does: async ({ world, browser }) => {
      for (let used = 0; used < 3; used++) {
        world.clock.advance({ hours: 7 })
        await browser.get(`${world.issuer}/account`)
      }
      world.clock.advance({ hours: 3 })
      return world.gateway.sweeper.runOnce()
    },
  },
  upstream: { through: 'none', by: 'gateway', does: (stage) => endDirectly(stage, 'upstream') },
  restore: { through: 'none', by: 'gateway', does: (stage) => endDirectly(stage, 'restore') },
} as const satisfies Partial<Record<Cause, Act>>

function endDirectly({ world, person }: Stage, cause: Cause): Promise<unknown> {
  return world.gateway.endSession({ kind: 'account', accountId: person.id }, cause, { kind: 'gateway' })
}

export const acts: Readonly<Record<Cause, Act>> = { ...inBrowsers, ...byCommand, ...byThemselves }

/** Whose tests stand in which file, so that they run beside each other. */
export const parts = {
  inBrowsers: Object.keys(inBrowsers) as readonly (keyof typeof inBrowsers)[],
  byCommand: Object.keys(byCommand) as readonly (keyof typeof byCommand)[],
  byThemselves: Object.keys(byThemselves) as readonly (keyof typeof byThemselves)[],
}
