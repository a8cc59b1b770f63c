/** Every change of the configuration file, which the next start applies. */
import { bob, type File, grace } from './lives.ts'
import { at, fileWith, notesUrl, nothing, notOnTheBoard, type Row } from './write-paths.ts'

/** What another configuration file does at the next start. */
export const fileRows: readonly Omit<Row, 'by'>[] = [
  { what: 'the same file', does: (lives) => lives.restartWith(lives.file), ends: nothing },
  {
    what: 'an account that it declares no more',
    does: (lives) => lives.restartWith({ ...lives.file, accounts: [bob] }),
    ends: { ada: 'account-disabled' },
  },
  {
    what: 'an account with another name',
    does: (lives) => lives.restartWith(accountWith(lives.file, { name: 'Ada L.' })),
    ends: nothing,
  },
  {
    what: 'an account with another password',
    does: (lives) => lives.restartWith(accountWith(lives.file, { password: 'quite another password' })),
    ends: { ada: 'password-changed' },
  },
  {
    what: 'an account with a group less',
    does: (lives) => lives.restartWith(accountWith(lives.file, { groups: [] })),
    ends: at('desk', 'access-removed', ['ada']),
  },
  {
    what: 'an account with a group less and another password: each session ends once',
    does: (lives) =>
      lives.restartWith(accountWith(lives.file, { groups: [], password: 'quite another one' })),
    ends: { ada: 'password-changed' },
  },
  {
    what: 'an account that was an operator’s until now, without its groups',
    does: (lives) =>
      lives.restartWith({
        ...lives.file,
        accounts: [...lives.file.accounts, { email: grace.email, password: grace.password, groups: [] }],
      }),
    ends: at('desk', 'access-removed', ['laptop', 'phone']),
  },
  {
    what: 'an app that it declares no more',
    does: (lives) => lives.restartWith({ ...lives.file, apps: lives.file.apps.slice(1) }),
    ends: at('wiki', 'app-removed'),
  },
  {
    what: 'an app with another name',
    does: (lives) => lives.restartWith(fileWith(lives.file, 'wiki', { name: 'W' })),
    ends: nothing,
  },
  {
    what: 'an app for fewer people',
    does: (lives) => lives.restartWith(fileWith(lives.file, 'wiki', { access: ['board'] })),
    ends: at('wiki', 'access-removed', notOnTheBoard),
  },
  {
    what: 'an app that was an operator’s until now, for fewer people',
    does: async (lives) => {
      const [, desk] = lives.file.apps
      const url = await notesUrl(lives.world)
      const oidc = {
        ...(desk?.['oidc'] as object),
        redirect_uris: [`${url}/callback`],
        backchannel_logout_uri: `${url}/backchannel-logout`,
        post_logout_redirect_uris: [],
      }
      const entry = { ...desk, id: 'notes', name: 'Notes', access: ['board'], oidc }
      await lives.restartWith({ ...lives.file, apps: [...lives.file.apps, entry] })
    },
    ends: at('notes', 'access-removed', notOnTheBoard),
  },
]

function accountWith(file: File, change: Record<string, unknown>): File {
  return {
    ...file,
    accounts: file.accounts.map((entry) => (entry['id'] === 'ada' ? { ...entry, ...change } : entry)),
  }
}
