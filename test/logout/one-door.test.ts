import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const files = globSync('{gateway,adapters}/**/*.ts', { cwd: root }).sort()
const holding = (pattern: RegExp) =>
  files.filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')))

test('invariant 1: one file ends sessions, through one method of one store', () => {
  expect(files.length).toBeGreaterThan(50)
  expect(holding(/\.markEnded\(/)).toEqual(['gateway/logout/end-session.ts'])
  expect(holding(/\bmarkEnded\b/)).toEqual([
    'adapters/sql/session-ending.ts',
    'gateway/logout/end-session.ts',
    'gateway/sessions/store.ts',
  ])
})

test('invariant 1: one file writes when a session ended, and the others only that it has not', () => {
  expect(holding(/\bended_at: (?!null\b|(number|string) \| null)/)).toEqual([
    'adapters/sql/session-ending.ts',
  ])
})

test('invariant 1: no file but the store of sessions changes a session', () => {
  expect(holding(/updateTable\('(sso|app)_sessions'\)|\bupdate (sso|app)_sessions\b/i)).toEqual([
    'adapters/sql/session-ending.ts',
    'adapters/sql/session-joins.ts',
    'adapters/sql/session-records.ts',
    'adapters/sql/session-sweeping.ts',
  ])
})

test('deliveries are settled by nobody but the booking of answers and the door itself', () => {
  expect(holding(/\.book\(/)).toEqual(['gateway/logout/booking.ts'])
  expect(holding(/logouts\.insert\(/)).toEqual(['gateway/logout/end-session.ts'])
})
