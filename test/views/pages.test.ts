import { describe, expect, test } from 'vitest'
import { assets } from '#views/assets.ts'
import { toText } from '#views/html.ts'
import { consentPage, samples as consents } from '#views/pages/consent.ts'
import {
  type ConsoleLogoutModel,
  samples as consoleLogout,
  consoleLogoutPage,
} from '#views/pages/console-logout.ts'
import {
  type ConsoleLogoutsModel,
  samples as consoleLogouts,
  consoleLogoutsPage,
} from '#views/pages/console-logouts.ts'
import { signInPage, samples as signIns } from '#views/pages/sign-in.ts'
import { signOutPage, samples as signOuts } from '#views/pages/sign-out.ts'
import { themeCss } from '#views/theme.ts'
import { samplePages } from './pages.ts'

/** Fields that hold one of our own words, never what somebody else wrote. */
const closed = new Set(['kind', 'state', 'cause', 'offline', 'done', 'problem'])

/** The model once for each string in it, with that string replaced. */
function* poisoned(model: unknown, poison: string): Generator<unknown> {
  if (Array.isArray(model)) {
    for (const [index, item] of model.entries()) {
      for (const other of variants(String(index), item, poison)) yield model.with(index, other)
    }
  } else if (typeof model === 'object' && model !== null) {
    for (const [key, value] of Object.entries(model)) {
      for (const other of variants(key, value, poison)) yield { ...model, [key]: other }
    }
  }
}

function variants(key: string, value: unknown, poison: string): Iterable<unknown> {
  if (typeof value !== 'string') return poisoned(value, poison)
  return closed.has(key) ? [] : [poison]
}

const tags = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`<${name}\\b[^>]*>`, 'g'))].map(String)
const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]

/** All a browser fetches to show the page. */
function weight(text: string): number {
  const loaded = assets.filter(({ path }) => text.includes(path)).map(({ body }) => body)
  return [text, themeCss(''), ...loaded].reduce((sum, part) => sum + Buffer.byteLength(part), 0)
}

describe.for(samplePages)('$name', ({ text, model, renderWith }) => {
  test('lets nothing that others wrote through as markup', () => {
    const poison = `"><script>alert(1)</script><img src=x onerror=alert(1)>' onfocus='alert(1)" onfocus="alert(1)`
    const pages = [...poisoned(model, poison)].map((other) => renderWith(other as object))
    expect(pages.length).toBeGreaterThan(2)
    for (const page of pages) {
      expect(page).not.toMatch(/<script>|<img src=x|['"] onfocus/)
    }
  })

  test('follows no address but http, https and our own paths', () => {
    for (const poison of ['javascript:alert(1)', 'data:text/html,x', '//evil.example/']) {
      for (const other of poisoned(model, poison)) {
        expect(renderWith(other as object)).not.toMatch(/\b(?:href|src|action)="(?!\/[^/]|\/"|https?:|#)/)
      }
    }
  })

  test('has no inline script, style or handler, and asks nobody else for anything', () => {
    expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=/i)
    for (const tag of [...tags(text, 'script'), ...tags(text, 'link'), ...tags(text, 'img')]) {
      expect(attribute(tag, 'src') ?? attribute(tag, 'href')).toMatch(/^\/assets\//)
    }
    expect(text).not.toMatch(/<script\b[^>]*>[^<]/)
  })

  test('has one title, one first heading, one main part, and its language', () => {
    expect(text.startsWith('<!doctype html>\n<html lang="en">')).toBe(true)
    expect(text).toMatch(/<title>[^<]+ · Gatehouse<\/title>/)
    expect(tags(text, 'h1')).toHaveLength(1)
    expect(tags(text, 'main')).toHaveLength(1)
  })

  test('labels every field, and uses each id once', () => {
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const input of tags(text, 'input').filter((tag) => attribute(tag, 'type') !== 'hidden')) {
      expect(text).toContain(`<label for="${attribute(input, 'id')}">`)
      expect(attribute(input, 'name')).toBeDefined()
    }
  })

  test('has only forms that post, with their proof of origin and their button inside, and forms that look', () => {
    for (const [form] of text.matchAll(/<form\b.*?<\/form>/gs)) {
      if (form.includes('method="get"')) {
        // An address is kept and passed on: it must never hold a proof.
        expect(form).toMatch(/^<form [^>]*method="get" action="\/console\/[^"]+"/)
        expect(form).not.toContain('csrf')
        continue
      }
      expect(form).toMatch(/^<form [^>]*method="post" action="\/[^"]+"/)
      expect(form).toContain('<input type="hidden" name="csrf" value="csrf-token">')
      expect(form).toMatch(/<button [^>]*type="submit"/)
    }
    expect(text.match(/<form\b/g)?.length).toBe(text.match(/<\/form>/g)?.length)
  })

  test('stays under 50 KB with its stylesheets and scripts', () => {
    expect(weight(text)).toBeLessThan(50 * 1024)
  })
})

describe('the sign-in page', () => {
  test('holds one form with `email` and `password` that works without a script', () => {
    const form =
      /<form[^>]*action="\/sign-in">.*?<\/form>/s.exec(toText(signInPage(signIns.plain)))?.[0] ?? ''
    expect(form).toMatch(/<input [^>]*name="email"[^>]*autocomplete="username webauthn"/)
    expect(form).toMatch(/<input [^>]*name="password"[^>]*autocomplete="current-password"/)
    expect(form).toMatch(/<button [^>]*type="submit">Sign in<\/button>/)
  })

  test('fills in the address it was given as a hint', () => {
    expect(toText(signInPage(signIns.wrong))).toMatch(/name="email"[^>]*value="ada@example\.com"/)
  })

  test('does not say which half was wrong, nor repeat the password', () => {
    const page = toText(signInPage(signIns.wrong))
    expect(page).toContain('That e-mail and password do not match.')
    expect(page).not.toMatch(/<input [^>]*name="password"[^>]*value=/)
  })

  test('offers no password where a password is not enough', () => {
    const page = toText(signInPage(signIns.confirmWithPasskey))
    expect(page).not.toContain('name="password"')
    expect(page).toContain('data-passkey-button')
  })

  test('offers no passkey to an account that has none', () => {
    const page = toText(
      signInPage({ ...signIns.confirm, purpose: { ...signIns.confirm.purpose, hasPasskey: false } }),
    )
    expect(page).not.toContain('data-passkey-button')
    expect(page).toContain('name="password"')
  })

  test('says what to do when neither can prove enough', () => {
    const purpose = { ...signIns.confirm.purpose, hasPasskey: false, passwordIsEnough: false }
    expect(toText(signInPage({ ...signIns.confirm, purpose }))).toContain(
      '<a href="/account#passkeys">Create one</a>',
    )
  })
})

describe('the consent page', () => {
  test('says in words what signing out does to lasting access', () => {
    expect(toText(consentPage(consents.usual))).toContain('until you sign out')
    expect(toText(consentPage(consents.bare))).toContain('even after you sign out')
  })

  test('leaves out a policy whose address is not http or https', () => {
    const page = toText(
      consentPage({ ...consents.usual, policyUrl: 'javascript:alert(1)', termsUrl: '/console' }),
    )
    expect(page).not.toContain('small-print')
  })
})

describe('the sign-out page', () => {
  test('asks again by itself without JavaScript, while something is open and for a minute', () => {
    const refresh = '<noscript><meta http-equiv="refresh" content="3"></noscript>'
    const { underWay } = signOuts
    expect(toText(signOutPage(underWay))).toContain(refresh)
    expect(toText(signOutPage({ ...underWay, startedAt: underWay.now - 60_000 }))).not.toContain(refresh)
    expect(toText(signOutPage(signOuts.partly))).not.toContain(refresh)
  })

  test('listens for news only while some may come', () => {
    expect(toText(signOutPage(signOuts.underWay))).toContain('data-events="/sign-out/journey-1/events"')
    expect(toText(signOutPage(signOuts.underWay))).toMatch(/<script src="\/assets\/sign-out/)
    expect(toText(signOutPage(signOuts.done))).not.toMatch(/<script src="\/assets\/sign-out/)
  })

  test('stays under 50 KB for somebody with 50 apps', () => {
    const rows = Array.from({ length: 50 }, (_, index) => ({
      appName: `Application number ${index}`,
      state: 'waiting' as const,
    }))
    expect(weight(toText(signOutPage({ ...signOuts.underWay, rows })))).toBeLessThan(50 * 1024)
  })

  test('leads on to where the app asked, and nowhere else', () => {
    expect(toText(signOutPage(signOuts.goingOn))).toContain(
      'href="https://wiki.example.com/goodbye">Continue to Wiki',
    )
    const trapped = { ...signOuts.goingOn, continueTo: { href: 'javascript:alert(1)', appName: 'Wiki' } }
    expect(toText(signOutPage(trapped))).not.toContain('Continue to')
  })
})

describe('the pages of operators', () => {
  test('stay under 50 KB with as many lines as they are given', () => {
    const { usual, unhealthy } = consoleLogouts
    const name = 'Quarterly Planning and Budgets of the Northern Region'
    const logouts = Array.from({ length: 12 }, (_, index) => ({
      ...usual.logouts[index % 2],
      id: `lgo_${'x'.repeat(22)}`,
      by: { kind: 'operator', name },
      counts: { confirmed: 3, waiting: 1, retrying: 1, refused: 1, 'cannot-be-told': 1 },
    })) as unknown as ConsoleLogoutsModel['logouts']
    const apps = Array.from({ length: 6 }, () => ({
      ...unhealthy.unhealthy[0],
      name,
    })) as unknown as ConsoleLogoutsModel['unhealthy']
    expect(weight(toText(consoleLogoutsPage({ ...usual, logouts, unhealthy: apps })))).toBeLessThan(50_000)

    const [delivery] = consoleLogout.underWay.deliveries
    const attempts = Array.from({ length: 1 }, (_, number) => ({
      number,
      startedAt: consoleLogout.underWay.now,
      durationMs: 5_000,
      error: `connect-failed: ${name}`,
    }))
    const deliveries = Array.from({ length: 5 }, (_, index) => ({
      ...delivery,
      id: `dlv_${'x'.repeat(21)}${index}`,
      appName: name,
      attempts,
      earlier: 9,
    })) as unknown as ConsoleLogoutModel['deliveries']
    expect(weight(toText(consoleLogoutPage({ ...consoleLogout.many, deliveries })))).toBeLessThan(50_000)
  })
})
