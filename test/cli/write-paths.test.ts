/** What verbs of the command line do to accounts and apps, beside a running server, ends what it takes away: every verb is walked. */
import { describe, expect, test } from 'vitest'
import { accountVerbs } from '#gateway/cli/account.ts'
import { appVerbs } from '#gateway/cli/app.ts'
import { type Ends, startLives } from '#test/administration/lives.ts'
import { at, nothing, ofGrace } from '#test/administration/write-paths.ts'
import { openCommandLine } from './run-gatehouse.ts'

const grace = 'grace@example.com'

/** What is typed after the verb, and what it ends. */
const verbs: Readonly<Record<string, { readonly words: readonly string[]; readonly ends: Ends }>> = {
  'account create': { words: ['new@example.com', '--group', 'staff'], ends: nothing },
  'account list': { words: [], ends: nothing },
  'account disable': { words: [grace], ends: ofGrace('account-disabled') },
  'account enable': { words: [grace], ends: nothing },
  'account delete': { words: [grace], ends: ofGrace('account-deleted') },
  'account reset': { words: [grace], ends: ofGrace('password-changed') },
  'account operator': { words: [grace], ends: nothing },
  'app list': { words: [], ends: nothing },
  'app show': { words: ['notes'], ends: nothing },
  'app add': { words: ['more', '--redirect-uri', 'http://127.0.0.1:1/callback'], ends: nothing },
  'app change': { words: ['notes', '--signs-out', 'ask'], ends: nothing },
  'app rotate-secret': { words: ['notes'], ends: nothing },
  'app disable': { words: ['wiki'], ends: at('wiki', 'app-removed') },
  'app enable': { words: ['wiki'], ends: nothing },
  'app remove': { words: ['notes'], ends: at('notes', 'app-removed') },
}

/** Each is a process of its own, and the machine may be busy. */
const timeout = 120_000

describe('gatehouse ends what it takes away, tells whoever must know, and nothing else', { timeout }, () => {
  test('with each verb on accounts and apps: all of them are here', () => {
    const all = [...accountVerbs, ...appVerbs].map(({ name }) => name)
    expect(Object.keys(verbs).toSorted()).toEqual(all.toSorted())
  })

  test.for(Object.entries(verbs))('%s', async ([verb, { words, ends }]) => {
    await using lives = await startLives({ realTime: true })
    const shell = openCommandLine(lives.world.folder)
    const ran = await shell.gatehouse(...verb.split(' '), ...words)
    expect([ran.code, ran.err]).toEqual([0, ''])
    await lives.expectEnded(ends, 'command-line')
  })
})
