/** Every command that operators can give on accounts. */
import type { Commands } from '#gateway/compose-commands.ts'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { operator } from './lives.ts'
import { accountsOf, at, fileWith, nothing, ofGrace, type Rows } from './write-paths.ts'

const adaId = 'ada' as AccountId
const aPassword = { password: 'a password for somebody new' } as const

/** What operators do to accounts. */
export const accountRows: Rows<Commands['accounts']> = {
  create: [
    {
      what: 'a new account',
      does: ({ world }) => accountsOf(world).create({ email: 'new@example.com', ...aPassword }, operator),
      ends: nothing,
    },
  ],
  change: [
    {
      what: 'a new name, address and role',
      does: ({ world, grace: { id } }) =>
        accountsOf(world).change(id, { name: 'G', email: 'g@example.com', operator: true }, operator),
      ends: nothing,
    },
    {
      what: 'a role that is taken away',
      does: async ({ world, grace: { id } }) => {
        await accountsOf(world).change(id, { operator: true }, operator)
        await accountsOf(world).change(id, { operator: false }, operator)
      },
      ends: nothing,
    },
    {
      what: 'one group more',
      does: ({ world, grace: { id } }) =>
        accountsOf(world).change(id, { groups: ['staff', 'board'] }, operator),
      ends: nothing,
    },
    {
      what: 'another group, which does not open the same apps',
      does: ({ world, grace: { id } }) => accountsOf(world).change(id, { groups: ['board'] }, operator),
      ends: at('desk', 'access-removed', ['laptop', 'phone']),
    },
    {
      what: 'a group taken away that another one makes up for',
      does: async (lives) => {
        await lives.restartWith(fileWith(lives.file, 'desk', { access: ['staff', 'board'] }))
        const {
          world,
          grace: { id },
        } = lives
        await accountsOf(world).change(id, { groups: ['staff', 'board'] }, operator)
        await accountsOf(world).change(id, { groups: ['board'] }, operator)
      },
      ends: nothing,
    },
  ],
  disable: [
    {
      what: 'an account of their own',
      does: ({ world, grace: { id } }) => accountsOf(world).disable(id, operator),
      ends: ofGrace('account-disabled'),
    },
    {
      what: 'an account that the file declares',
      does: ({ world }) => accountsOf(world).disable(adaId, operator),
      ends: { ada: 'account-disabled' },
    },
    {
      what: 'an account that is disabled already',
      does: async ({ world, grace: { id } }) => {
        await accountsOf(world).disable(id, operator)
        await accountsOf(world).disable(id, operator)
      },
      ends: ofGrace('account-disabled'),
    },
  ],
  enable: [
    {
      what: 'an account that was never disabled',
      does: ({ world, grace: { id } }) => accountsOf(world).enable(id, operator),
      ends: nothing,
    },
    {
      what: 'an account that was: what ended stays ended',
      does: async ({ world, grace: { id } }) => {
        await accountsOf(world).disable(id, operator)
        await accountsOf(world).enable(id, operator)
      },
      ends: ofGrace('account-disabled'),
    },
  ],
  delete: [
    {
      what: 'an account',
      does: ({ world, grace: { id } }) => accountsOf(world).delete(id, operator),
      ends: ofGrace('account-deleted'),
    },
  ],
  setPassword: [
    {
      what: 'a password',
      does: ({ world, grace: { id } }) =>
        accountsOf(world).setPassword(id, 'quite another password', operator),
      ends: ofGrace('password-changed'),
    },
  ],
  reset: [
    {
      what: 'an account, with a new password',
      does: ({ world, grace: { id } }) => accountsOf(world).reset(id, 'quite another password', operator),
      ends: ofGrace('password-changed'),
    },
    {
      what: 'an account, its passkeys only: sessions that a password opened end too',
      does: ({ world, grace: { id } }) => accountsOf(world).reset(id, undefined, operator),
      ends: ofGrace('credential-changed'),
    },
    {
      what: 'an account that has no passkeys, without a new password',
      does: ({ world }) => accountsOf(world).reset(adaId, undefined, operator),
      ends: nothing,
    },
  ],
}
