import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEphemeral } from '#adapters/sql/ephemeral.ts'
import { parseAppId } from '#gateway/kernel/ids.ts'
import { createSignOutRequests } from '#gateway/logout/sign-out-request.ts'
import { createManualClock } from '#test/support/manual-clock.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

async function opened() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  const clock = createManualClock()
  const ephemeral = openEphemeral({ file: join(folder, 'ephemeral.db'), clock })
  const random = createSeededRandom('request')
  return {
    clock,
    requests: createSignOutRequests({ ephemeral, random }),
    [Symbol.asyncDispose]: async () => {
      await ephemeral[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const appId = parseAppId('wiki')
const asked = { ...(appId === undefined ? {} : { appId }), continueTo: 'https://wiki.test/bye?state=1' }

describe('what an app has asked for', () => {
  it('is found by the browser it was asked in, again and again, until it is answered once', async () => {
    await using test = await opened()
    const handle = await test.requests.ask('browser-a', asked)
    expect(await test.requests.find(handle, 'browser-a')).toEqual(asked)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => test.requests.take(handle, 'browser-a')),
    )
    expect(answers.filter((answer) => answer !== undefined)).toEqual([asked])
    expect(await test.requests.find(handle, 'browser-a')).toBeUndefined()
  })

  it('is neither shown to another browser nor used up by it', async () => {
    await using test = await opened()
    const handle = await test.requests.ask('browser-a', asked)
    expect(await test.requests.find(handle, 'browser-b')).toBeUndefined()
    expect(await test.requests.take(handle, 'browser-b')).toBeUndefined()
    expect(await test.requests.take(handle, 'browser-a')).toEqual(asked)
    expect(await test.requests.find('', 'browser-a')).toBeUndefined()
  })

  it('is forgotten after ten minutes', async () => {
    await using test = await opened()
    const handle = await test.requests.ask('browser-a', {})
    test.clock.advance({ minutes: 9 })
    expect(await test.requests.find(handle, 'browser-a')).toEqual({})
    test.clock.advance({ minutes: 1 })
    expect(await test.requests.find(handle, 'browser-a')).toBeUndefined()
  })
})
