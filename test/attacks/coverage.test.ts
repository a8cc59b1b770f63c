import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** From one number to another, both included. */
const span = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** What the catalogue of attacks demands of what there is today: browsers, sessions, OpenID Connect and passkeys. */
const promised: Readonly<Record<string, readonly number[]>> = {
  'A, session identifier': span(1, 8),
  'B, life cycle': span(10, 20),
  // N-024 and N-025 are about being told by an upstream, N-026 and N-027 about SAML: neither is here.
  'C, logout': [...span(21, 23), ...span(28, 30)],
  // N-035 is about SAML.
  'D, redirects': [...span(31, 34), 36],
  // N-049 and N-050 are about upstream providers.
  'E, codes and requests': span(41, 48),
  'N, WebAuthn': span(141, 147),
  // N-163 is about forward-auth, N-164 about host rules: neither is here.
  'P, host and proxy': [161, 162, 165],
  // N-175 is about mail, which there is none of.
  'Q, requests of our own': span(171, 174),
  'R, browser': span(181, 188),
  // N-194 is about impersonation: it is not here.
  'S, operators': [...span(191, 193), 195, 196],
  'T, robustness and logs': span(201, 205),
}

const root = join(import.meta.dirname, '..')
const files = globSync('**/*.test.ts', { cwd: root }).filter((file) => !file.endsWith('coverage.test.ts'))
/** Titles of tests and of their groups, and the rows that make titles. */
const titles = files
  .flatMap((file) => readFileSync(join(root, file), 'utf8').split('\n'))
  .filter((line) => /\b(?:test|it|describe)\b.*\(|^\s*\[/.test(line))
const numbers = new Set(
  titles.flatMap((line) => [...line.matchAll(/\bN-(\d{3})\b/g)].map(([, number]) => Number(number))),
)

test('the check sees the tests', () => {
  expect(files.length).toBeGreaterThan(60)
  expect(numbers.has(999)).toBe(false)
})

test.for(Object.entries(promised))('every attack of class %s has a test that names it', ([, wanted]) => {
  expect(
    wanted.filter((number) => !numbers.has(number)).map((number) => `N-${String(number).padStart(3, '0')}`),
  ).toEqual([])
})
