/** Every command that people can give on their own account, and the first operator's. */
import type { Commands } from '#gateway/compose-commands.ts'
import type { Passkeys } from '#gateway/sign-in/passkeys.ts'
import type { SetUp } from '#gateway/sign-in/set-up.ts'
import { addPasskey, registrationOptions } from '#test/attacks/passkeys.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { grace, type Lives } from './lives.ts'
import { at, nothing, type Rows, wiki } from './write-paths.ts'

/** What people do on their account page, in the browser that signed in with a password. */
export const ownRows: Rows<Commands['ownAccount']> = {
  signOut: [
    {
      what: 'here',
      does: async ({ world: { issuer }, browsers: { laptop } }) =>
        laptop.submit(await laptop.get(`${issuer}/sign-out`), { decision: 'sign-out' }),
      ends: { laptop: 'account' },
    },
  ],
  signOutOfApp: [
    {
      what: 'of one app, which asked: the rest goes on',
      does: async ({ world, sessions }) =>
        world.gateway.commands.ownAccount.signOutOfApp(await liveSession(world, sessions.laptop), wiki, {
          browser: 'browser',
          appId: wiki,
        }),
      ends: at('wiki', 'app', ['laptop']),
      by: 'app',
    },
  ],
  endSession: [
    {
      what: 'another browser',
      does: ({ sessions, ...lives }) => onAccountPage(lives, `/account/sessions/${sessions.phone}/end`),
      ends: { phone: 'account' },
    },
    {
      what: "another person's, by its id",
      does: ({ world, sessions }) => endById(world, sessions.laptop, sessions.bob),
      ends: nothing,
    },
  ],
  endOtherSessions: [
    {
      what: 'everywhere else',
      does: (lives) => onAccountPage(lives, '/account/sessions/end-others'),
      ends: { phone: 'account-everywhere' },
    },
  ],
  removeOffline: [
    {
      what: 'what an app may do while they are away: the session there goes on',
      does: async ({ world, sessions }) =>
        world.gateway.commands.ownAccount.removeOffline(await liveSession(world, sessions.laptop), wiki),
      ends: nothing,
    },
  ],
  changePassword: [
    {
      what: 'the password: this browser goes on',
      does: (lives) =>
        onAccountPage(lives, '/account/password', {
          current_password: grace.password,
          new_password: 'quite another password',
        }),
      ends: { phone: 'password-changed' },
    },
    {
      what: 'the password, with a wrong old one',
      does: (lives) =>
        onAccountPage(lives, '/account/password', {
          current_password: 'not the password of grace',
          new_password: 'quite another password',
        }),
      ends: nothing,
    },
  ],
}

/** What people do to their passkeys. */
export const passkeyRows: Rows<Passkeys> = {
  list: [
    { what: 'them', does: ({ world, grace: { id } }) => world.gateway.passkeys.list(id), ends: nothing },
  ],
  registrationOptions: [
    {
      what: 'a challenge for another one',
      does: ({ world, browsers: { phone } }) => registrationOptions(world, phone),
      ends: nothing,
    },
  ],
  register: [
    {
      what: 'another one',
      does: ({ world, browsers: { phone } }) =>
        addPasskey(world, phone, createSoftwareAuthenticator({ origin: world.issuer })),
      ends: nothing,
    },
  ],
  rename: [
    {
      what: 'one',
      does: async (lives) => onAccountPage(lives, `${await passkeyPath(lives)}/rename`, { name: 'Key' }),
      ends: nothing,
    },
  ],
  remove: [
    {
      what: 'one of two: the sessions that it opened',
      does: async (lives) => {
        const { world, browsers } = lives
        // The list is by age.
        world.clock.advance({ seconds: 1 })
        await addPasskey(world, browsers.phone, createSoftwareAuthenticator({ origin: world.issuer }))
        await onAccountPage(lives, `${await passkeyPath(lives)}/remove`)
      },
      ends: { phone: 'credential-changed' },
    },
    {
      what: 'the only one, with no more than a password: refused',
      does: async (lives) => onAccountPage(lives, `${await passkeyPath(lives)}/remove`),
      ends: nothing,
    },
    {
      what: 'the only one, from the session that it opened',
      does: async (lives) => onAccountPage(lives, `${await passkeyPath(lives)}/remove`, {}, 'phone'),
      ends: { phone: 'credential-changed' },
    },
  ],
}

/** The first operator's account, beside people who are there already. */
export const setUpRows: Rows<SetUp> = {
  isOpen: [
    {
      what: 'a link',
      does: async ({ world }) => world.gateway.setUp.isOpen(await setUpLink(world)),
      ends: nothing,
    },
  ],
  completeWithPassword: [
    {
      what: 'with a password',
      does: async ({ world }) => {
        const request = { ...aPerson, ...aPassword, token: await setUpLink(world) }
        return world.gateway.setUp.completeWithPassword(request)
      },
      ends: nothing,
    },
  ],
  passkeyOptions: [
    {
      what: 'with a passkey, begun',
      does: async ({ world }) =>
        world.gateway.setUp.passkeyOptions({ ...aPerson, token: await setUpLink(world) }),
      ends: nothing,
    },
  ],
  completeWithPasskey: [
    {
      what: 'with a passkey',
      does: async ({ world }) => {
        const { setUp } = world.gateway
        const person = { ...aPerson, token: await setUpLink(world) }
        const asked = await setUp.passkeyOptions(person)
        if (asked.kind !== 'options') throw new Error(asked.kind)
        const response = createSoftwareAuthenticator({ origin: world.issuer }).register(asked.options)
        const done = await setUp.completeWithPasskey({ ...person, response })
        if (done.kind !== 'signed-in') throw new Error(done.kind)
      },
      ends: nothing,
    },
  ],
}

const aPassword = { password: 'a password for somebody new' } as const
const aPerson = {
  email: 'first@example.com',
  name: 'First',
  browser: 'browser',
  address: '192.0.2.1',
  userAgent: 'Test',
} as const

async function setUpLink({ gateway }: Lives['world']): Promise<string> {
  return (await gateway.createSetUpLink()) ?? ''
}

async function passkeyPath({ world, grace: { id } }: Lives): Promise<string> {
  const [oldest] = await world.gateway.passkeys.list(id)
  return `/account/passkeys/${oldest?.id}`
}

/** Submits one of the forms of the account page. */
async function onAccountPage(
  { world, browsers }: Pick<Lives, 'world' | 'browsers'>,
  action: string,
  fields: Record<string, string> = {},
  name: 'laptop' | 'phone' = 'laptop',
): Promise<unknown> {
  return browsers[name].submit(await browsers[name].get(`${world.issuer}/account`), fields, { action })
}

/** What no form of the page offers. */
async function endById(
  world: Lives['world'],
  of: Lives['sessions']['bob'],
  id: Lives['sessions']['bob'],
): Promise<unknown> {
  return world.gateway.commands.ownAccount.endSession(await liveSession(world, of), id)
}

async function liveSession({ gateway }: Lives['world'], id: Lives['sessions']['bob']) {
  const session = await gateway.sessions.findLive(id)
  if (session === undefined) throw new Error('nobody is signed in')
  return session
}
