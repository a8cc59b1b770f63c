import { describe, expect, test } from 'vitest'
import { noon, secretOf, ssoId } from '#test/sessions/builders.ts'
import { begin, end, type OpensSessionStore } from './session-store.ts'

/** What every store of sessions does with the values that a cookie has had. */
export function describeSessionSecrets(name: string, open: OpensSessionStore): void {
  describe(`the secrets of a session (${name})`, () => {
    const laptop = ssoId('laptop')
    const first = secretOf('laptop')
    const byClock = (hash: string, over: string, issuedAt: number) =>
      ({ hash, over, issuedAt, kind: 'superseded' }) as const

    test('open the session, and begin unseen', async () => {
      await using store = await open()
      const session = await begin(store)
      expect(await store.sessions.findBySecret(secretOf('laptop'))).toEqual({
        session,
        secret: {
          hash: secretOf('laptop'),
          ssoSessionId: laptop,
          state: 'current',
          issuedAt: noon,
          seen: false,
        },
      })
    })

    test('are noted as seen once the browser has shown them', async () => {
      await using store = await open()
      await begin(store)
      await store.sessions.markSecretSeen(secretOf('laptop'))
      expect((await store.sessions.findBySecret(secretOf('laptop')))?.secret.seen).toBe(true)
    })

    test('are superseded by the clock: the new one is current, the old one knows since when', async () => {
      await using store = await open()
      await begin(store)
      const next = byClock('second', first, noon + 600_000)
      expect(await store.sessions.changeSecret(laptop, next)).toBe(true)
      expect((await store.sessions.findBySecret(secretOf('laptop')))?.secret).toMatchObject({
        state: 'superseded',
        supersededAt: noon + 600_000,
      })
      expect((await store.sessions.findBySecret('second'))?.secret).toEqual({
        hash: 'second',
        ssoSessionId: laptop,
        state: 'current',
        issuedAt: noon + 600_000,
        seen: false,
      })
    })

    test('that the clock superseded keep the instant at which they were, however often it ticks', async () => {
      await using store = await open()
      await begin(store)
      await store.sessions.changeSecret(laptop, byClock('second', first, noon + 1))
      await store.sessions.changeSecret(laptop, byClock('third', 'second', noon + 2))
      expect((await store.sessions.findBySecret(first))?.secret.supersededAt).toBe(noon + 1)
      expect((await store.sessions.findBySecret('second'))?.secret.supersededAt).toBe(noon + 2)
    })

    test('are all replaced at a change of privilege, those in their grace too', async () => {
      await using store = await open()
      await begin(store)
      await store.sessions.changeSecret(laptop, byClock('second', first, noon + 1))
      await store.sessions.changeSecret(laptop, { hash: 'third', issuedAt: noon + 2, kind: 'replaced' })
      for (const hash of [secretOf('laptop'), 'second'])
        expect((await store.sessions.findBySecret(hash))?.secret).toMatchObject({
          state: 'replaced',
          supersededAt: noon + 2,
        })
      expect((await store.sessions.findBySecret('third'))?.secret.state).toBe('current')
    })

    test('are not superseded by the clock over one that was replaced: what it shows is no way to the new one', async () => {
      await using store = await open()
      await begin(store)
      await store.sessions.changeSecret(laptop, { hash: 'stronger', issuedAt: noon + 1, kind: 'replaced' })
      expect(await store.sessions.changeSecret(laptop, byClock('second', first, noon + 1))).toBe(false)
      expect((await store.sessions.findBySecret('stronger'))?.secret.state).toBe('current')
      expect(await store.sessions.findBySecret('second')).toBeUndefined()
    })

    test('may change to the same next one again without a second row or another state', async () => {
      await using store = await open()
      await begin(store)
      const next = byClock('second', first, noon + 1)
      await store.sessions.changeSecret(laptop, next)
      await store.sessions.markSecretSeen('second')
      expect(await store.sessions.changeSecret(laptop, { ...next, issuedAt: noon + 2 })).toBe(true)
      expect((await store.sessions.findBySecret('second'))?.secret).toMatchObject({
        state: 'current',
        issuedAt: noon + 1,
        seen: true,
      })
    })

    test('have one current among them, whatever eight requests do at once', async () => {
      await using store = await open()
      await begin(store)
      const hashes = Array.from({ length: 8 }, (_, tab) => `next-${tab}`)
      const changed = await Promise.all(
        hashes.map((hash) => store.sessions.changeSecret(laptop, byClock(hash, first, noon + 1))),
      )
      expect(changed.filter((each) => each)).toHaveLength(1)
      const found = await Promise.all(
        [secretOf('laptop'), ...hashes].map((hash) => store.sessions.findBySecret(hash)),
      )
      expect(found.filter((each) => each?.secret.state === 'current')).toHaveLength(1)
    })

    test('do not change once the session has ended, and still name it', async () => {
      await using store = await open()
      await begin(store)
      await end(store)
      for (const next of [
        byClock('after-a-tick', first, noon + 9_000),
        { hash: 'after-a-change', issuedAt: noon + 9_000, kind: 'replaced' } as const,
      ]) {
        expect(await store.sessions.changeSecret(laptop, next)).toBe(false)
        expect(await store.sessions.findBySecret(next.hash)).toBeUndefined()
      }
      const found = await store.sessions.findBySecret(secretOf('laptop'))
      expect(found?.secret.state).toBe('current')
      expect(found?.session.ended).toBeDefined()
    })

    test('of a session that nobody began do not exist', async () => {
      await using store = await open()
      const next = byClock('x', first, noon)
      expect(await store.sessions.changeSecret(ssoId('nobody'), next)).toBe(false)
      expect(await store.sessions.findBySecret('x')).toBeUndefined()
    })
  })
}
