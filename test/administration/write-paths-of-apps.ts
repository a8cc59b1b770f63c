/** Every command that operators can give on apps. */
import type { AppAccess } from '#gateway/apps/app.ts'
import type { Commands } from '#gateway/compose-commands.ts'
import { type Lives, notesAt, operator, settingsOf } from './lives.ts'
import { appsOf, at, notes, notesUrl, nothing, notOnTheBoard, type Rows, wiki } from './write-paths.ts'

/** What operators do to apps. */
export const appRows: Rows<Commands['apps']> = {
  add: [
    {
      what: 'a new app',
      does: ({ world }) => appsOf(world).add({ ...notesAt('http://127.0.0.1:1/more'), id: 'more' }, operator),
      ends: nothing,
    },
    {
      what: 'an app under the id of one that was removed',
      does: async ({ world }) => {
        await appsOf(world).remove(notes, operator)
        await appsOf(world).add(notesAt(await notesUrl(world), groups('nobody')), operator)
      },
      ends: at('notes', 'app-removed'),
    },
  ],
  change: [
    {
      what: 'its name',
      does: async ({ world }) =>
        appsOf(world).change(notes, { ...(await settingsOf(world, notes)), name: 'N' }, operator),
      ends: nothing,
    },
    {
      what: 'fewer people: those who may not open it any more',
      does: ({ world }) => openTo(world, groups('board')),
      ends: at('notes', 'access-removed', notOnTheBoard),
    },
    {
      what: 'a group whose people are all in another one that stays',
      does: async ({ world }) => {
        await openTo(world, groups('staff', 'board'))
        await openTo(world, groups('staff'))
      },
      ends: nothing,
    },
    {
      what: 'nobody',
      does: ({ world }) => openTo(world, groups('nobody')),
      ends: at('notes', 'access-removed'),
    },
    {
      what: 'more people',
      does: async ({ world }) => {
        await openTo(world, groups('staff'))
        await openTo(world, { kind: 'everyone' })
      },
      ends: nothing,
    },
  ],
  disable: [
    {
      what: 'an app of the file',
      does: ({ world }) => appsOf(world).disable(wiki, operator),
      ends: at('wiki', 'app-removed'),
    },
    {
      what: 'an app of an operator',
      does: ({ world }) => appsOf(world).disable(notes, operator),
      ends: at('notes', 'app-removed'),
    },
  ],
  enable: [
    {
      what: 'an app that was disabled: what ended stays ended',
      does: async ({ world }) => {
        await appsOf(world).disable(notes, operator)
        await appsOf(world).enable(notes, operator)
      },
      ends: at('notes', 'app-removed'),
    },
    {
      what: 'an app that was not',
      does: ({ world }) => appsOf(world).enable(notes, operator),
      ends: nothing,
    },
  ],
  remove: [
    {
      what: 'an app',
      does: ({ world }) => appsOf(world).remove(notes, operator),
      ends: at('notes', 'app-removed'),
    },
  ],
  rotateSecret: [
    {
      what: 'an app: its tokens are its own still',
      does: ({ world }) => appsOf(world).rotateSecret(notes, operator),
      // The app of this test goes on with what it was given: only the client's secret is another one, and userinfo asks for none.
      ends: nothing,
    },
  ],
}

const groups = (...names: readonly string[]): AppAccess => ({ kind: 'groups', groups: names })

async function openTo(world: Lives['world'], access: AppAccess): Promise<unknown> {
  return appsOf(world).change(notes, { ...(await settingsOf(world, notes)), access }, operator)
}
