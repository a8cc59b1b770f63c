import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldEmail } from '#gateway/accounts/account.ts'
import { authenticatorName } from '#gateway/accounts/authenticator-names.ts'
import {
  createAccount,
  newPasswordProblem,
  normalisePassword,
  parseEmail,
  parseGroups,
  parseName,
} from '#gateway/accounts/directory.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

describe('folding an e-mail', () => {
  it.for([
    ['ada@example.com', 'ada@example.com'],
    [' Ada@Example.COM\u3000', 'ada@example.com'],
    ['\uff21\uff24\uff21@example.com', 'ada@example.com'],
    ['ada@ex\u00adample.com', undefined],
    ['re\u0301my@example.com', 'r\u00e9my@example.com'],
    ['R\u00c9MY@example.com', 'r\u00e9my@example.com'],
    ['ada+tag@example.com', 'ada+tag@example.com'],
    ['a.d.a@example.com', 'a.d.a@example.com'],
  ])('makes %j %j', ([text, folded]) => {
    expect(foldEmail(text ?? '')).toBe(folded)
  })

  it.for([
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@@example.com',
    'a@b@example.com',
    'ada @example.com',
    'ada@example.com\u0000',
    'ada@exam\nple.com',
    'ada\u200b@example.com',
    '\u202eada@example.com',
    `${'a'.repeat(250)}@b.de`,
    `${'\ufdfa'.repeat(200)}@b.de`,
    'a'.repeat(1_048_576),
  ])('refuses %j', (text) => {
    expect(foldEmail(text)).toBeUndefined()
  })

  it('leaves a folded address as it is', () => {
    const address = fc.tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }))
    fc.assert(
      fc.property(address, ([local, domain]) => {
        const folded = foldEmail(`${local}@${domain}`)
        if (folded !== undefined) expect(foldEmail(folded)).toBe(folded)
      }),
    )
  })

  it('keeps what the person typed for showing', () => {
    expect(parseEmail(' Ada@Example.com ')).toBe('Ada@Example.com')
    expect(parseEmail('ada')).toBeUndefined()
  })
})

describe('names and groups', () => {
  it.for([
    [' Ada Lovelace ', 'Ada Lovelace'],
    ['\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'],
    ['\u674e\u5c0f\u9f99', '\u674e\u5c0f\u9f99'],
    ['x'.repeat(100), 'x'.repeat(100)],
    ['\u{1f600}'.repeat(100), '\u{1f600}'.repeat(100)],
    ['x'.repeat(101), undefined],
    ['   ', undefined],
    ['\u200d', undefined],
    ['line\nbreak', undefined],
    ['\u202etxet', undefined],
  ])('takes the name %j for %j', ([text, name]) => {
    expect(parseName(text ?? '')).toBe(name)
  })

  it('keeps each group once, sorted', () => {
    expect(parseGroups(['staff', 'admin', 'staff'])).toEqual(['admin', 'staff'])
    expect(parseGroups(['a,b'])).toBeUndefined()
    expect(parseGroups([' a'])).toBeUndefined()
    expect(parseGroups([''])).toBeUndefined()
    expect(parseGroups(Array.from({ length: 257 }, (_, index) => `group-${index}`))).toBeUndefined()
  })
})

describe('a password that a person chooses', () => {
  it.for([
    ['correct horse battery', undefined],
    ['fifteen letters', undefined],
    ['fourteen chars', 'too-short'],
    ['\u{1f600}'.repeat(14), 'too-short'],
    ['\u{1f600}'.repeat(15), undefined],
    ['e\u0301'.repeat(14), 'too-short'],
    ['x'.repeat(1_024), undefined],
    ['\u{1f600}'.repeat(1_024), undefined],
    ['x'.repeat(1_025), 'too-long'],
    ['x'.repeat(1_048_576), 'too-long'],
    ['unpaired \ud800 surrogate', 'not-text'],
    ['with a \u0000 in the middle', undefined],
    ['ADA.Lovelace@example.com', 'is-email'],
  ])('%j: %s', ([text, problem]) => {
    expect(newPasswordProblem(text ?? '', 'ada.lovelace@example.com')).toBe(problem)
  })

  it('is neither trimmed nor folded', () => {
    expect(normalisePassword('  Two Spaces  ')).toBe('  Two Spaces  ')
    expect(normalisePassword('e\u0301')).toBe('\u00e9')
    expect(normalisePassword('\ufb01')).toBe('\ufb01')
  })
})

describe('a new account', () => {
  it('has a random id and a WebAuthn handle that says nothing about it', () => {
    const random = createSeededRandom(1)
    const one = createAccount({ email: 'ada@example.com' }, 5, random)
    const two = createAccount({ email: 'ada@example.com' }, 5, random)
    expect(one).toMatchObject({ name: 'ada@example.com', operator: false, state: 'active', groups: [] })
    expect(one.id).not.toBe(two.id)
    expect(one.webauthnUser).toMatch(/^[\w-]{43}$/)
    expect(one.webauthnUser).not.toContain(one.id)
    expect(one.webauthnUser).not.toBe(two.webauthnUser)
  })
})

describe('the name of a new passkey', () => {
  it('is its authenticator\u2019s when that is known', () => {
    expect(authenticatorName('bada5566-a7aa-401f-bd96-45619a55120d')).toBe('1Password')
    expect(authenticatorName('00000000-0000-0000-0000-000000000000')).toBe('Passkey')
    expect(authenticatorName('constructor')).toBe('Passkey')
  })
})
