import { describe, expect, test } from 'vitest'
import { type SignOutRow, signOutReport } from '#views/pages/sign-out-report.ts'

const now = Date.UTC(2026, 2, 12, 17, 20)
const confirmed: SignOutRow = { appName: 'Wiki', state: 'confirmed' }
const waiting: SignOutRow = { appName: 'Notes', state: 'waiting' }
const retrying: SignOutRow = { appName: 'Build', state: 'retrying', nextAttemptAt: now + 20_000 }
const untold: SignOutRow = { appName: 'HR', state: 'cannot-be-told', mayLastUntil: now + 40 * 60_000 }

/** What a person reads beside an app. */
function sentence(row: SignOutRow): string {
  const [only] = signOutReport([row], now).rows
  return [only?.words, only?.until?.words].filter((part) => part !== undefined).join(' ')
}

describe('beside an app stands', () => {
  test.for<readonly [SignOutRow, string]>([
    [confirmed, 'Signed out'],
    [waiting, 'Waiting for its answer'],
    [retrying, 'Not confirmed yet. Will keep trying (next\u00a0in\u00a020\u00a0s)'],
    [{ ...retrying, nextAttemptAt: now - 1 }, 'Not confirmed yet. Will keep trying (now)'],
    [{ appName: 'Build', state: 'retrying' }, 'Not confirmed yet. Will keep trying'],
    [untold, 'Could not be told. Its session may last until 18:00 UTC'],
    [{ ...untold, mayLastUntil: undefined }, 'Could not be told. We do not know how long its session lasts.'],
    [{ ...untold, mayLastUntil: now }, 'Could not be told. Its session has run out by itself.'],
    [
      {
        appName: 'CI',
        state: 'refused',
        detail: 'it does not accept our key',
        mayLastUntil: now + 86_400_000,
      },
      'Refused: it does not accept our key. Its session may last until 13 Mar, 17:20 UTC',
    ],
    [
      { appName: 'CI', state: 'given-up', detail: 'tried for 72 h' },
      'Never confirmed: tried for 72 h. We do not know how long its session lasts.',
    ],
  ])('%o: %s', ([row, words]) => {
    expect(sentence(row)).toBe(words)
  })
})

describe('the heading', () => {
  test('counts the apps while one has not been heard of', () => {
    expect(signOutReport([confirmed, waiting, untold], now).heading).toBe('Signing you out of 3 apps')
  })

  test('says "signed out" without reserve only when every app confirmed it', () => {
    expect(signOutReport([confirmed, confirmed], now).heading).toBe('You are signed out')
    expect(signOutReport([], now).heading).toBe('You are signed out')
    for (const other of [
      retrying,
      untold,
      { ...untold, state: 'refused' },
      { ...untold, state: 'given-up' },
    ] as const) {
      expect(signOutReport([confirmed, other], now).heading).toBe('You are signed out here')
    }
  })
})

describe('the summary', () => {
  test.for<readonly [readonly SignOutRow[], string]>([
    [[], 'No app had a session.'],
    [[waiting], 'Your session here has ended already. You can close this page.'],
    [[confirmed], 'The app has confirmed it.'],
    [[confirmed, confirmed], 'Both apps have confirmed it.'],
    [[confirmed, confirmed, confirmed], 'All 3 apps have confirmed it.'],
    [
      [confirmed, retrying, untold],
      '1 of 3 apps confirmed. 1 app has not confirmed yet and will be told again, even if you close this page. In 1 app you may still be signed in.',
    ],
  ])('of %o: %s', ([rows, words]) => {
    expect(signOutReport(rows, now).summary).toBe(words)
  })
})

test('a report is settled when no app can still answer', () => {
  expect(signOutReport([confirmed, untold], now).settled).toBe(true)
  expect(signOutReport([confirmed, waiting], now).settled).toBe(false)
  expect(signOutReport([confirmed, retrying], now).settled).toBe(false)
})
