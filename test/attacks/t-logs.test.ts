import { describe, expect, test } from 'vitest'
import { createJsonLog } from '#adapters/json-log.ts'
import { createBrowser } from '#test/support/browser.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ask, authorizationRequest, codeFor, exchange, refresh } from '#test/support/oauth.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { ada, signInAt, startTwoApps } from '#test/support/two-apps.ts'
import {
  addGrace,
  clientOf,
  grace,
  rawRequest,
  sendRaw,
  sessionCookie,
  signedIn,
  signOut,
  tracesIn,
} from './attacker.ts'
import { addPasskey, signInWithPasskey } from './passkeys.ts'

describe('T: logs, parsers and what breaks inside', () => {
  test('N-201 no input that a parser could be slow on takes longer than a person would notice', async () => {
    await using gateway = await startGateway({ settings: { accounts: [ada] } })
    const patterns = [
      'a'.repeat(60_000),
      '@'.repeat(60_000),
      'a@'.repeat(30_000),
      `${'a.'.repeat(30_000)}@b`,
      ' '.repeat(60_000),
      '%20'.repeat(20_000),
      `${'\u0300'.repeat(10_000)}`,
      '0'.repeat(60_000),
    ]
    const short = (text: string): string => text.slice(0, 7_000)
    const began = performance.now()
    for (const pattern of patterns) {
      const browser = createBrowser()
      const page = await browser.get(`${gateway.issuer}/sign-in`)
      await browser.submit(page, { email: pattern.slice(0, 20_000), password: 'x' }, { action: '/sign-in' })
      const lines = [`User-Agent: Mozilla/5.0 ${short(pattern)}`, `Accept: ${short(pattern)}`].map((line) =>
        line.replaceAll(/[^\x20-\x7e]/g, ' '),
      )
      await sendRaw(gateway.port, rawRequest(['GET /account HTTP/1.1', 'Host: x', ...lines]))
      const query = encodeURIComponent(short(pattern))
        .slice(0, 7_000)
        .replace(/%[^%]?$/, '')
      for (const name of [
        'client_id',
        'scope',
        'redirect_uri',
        'acr_values',
        'claims',
        'id_token_hint',
        'state',
      ]) {
        await fetch(`${gateway.issuer}/oauth/authorize?client_id=x&${name}=${query}`, { redirect: 'manual' })
        await fetch(`${gateway.issuer}/oauth/end-session?${name}=${query}`, { redirect: 'manual' })
      }
      await fetch(`${gateway.issuer}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({ code: pattern }),
      })
    }
    // Some 140 requests; one that backtracks takes minutes.
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('N-202 whatever a visitor sends, a line of the log is one line of JSON', async () => {
    await using all = await startTwoApps()
    const forged = '\r\n{"level":"error","message":"forged"}\u001b[2J\u2028","x":"'
    const text = encodeURIComponent(forged)
    const browser = createBrowser({ userAgent: 'forged "} {"level":"error"}' })
    for (const path of [
      `/${text}`,
      `/account?${text}`,
      `/oauth/authorize?client_id=${text}`,
      `/oauth/end-session?id_token_hint=${text}`,
      `/sign-out/${text}`,
      `/set-up/${text}`,
    ]) {
      await browser.get(`${all.issuer}${path}`)
    }
    const page = await browser.get(`${all.issuer}/sign-in`)
    await browser.submit(page, { email: `x${forged}@example.com`, password: forged }, { action: '/sign-in' })
    browser.setCookie(all.issuer, all.gateway.cookieNames.session, 'A'.repeat(43))
    await browser.get(`${all.issuer}/account`)
    await ask(clientOf(all, 'wiki'), `${all.issuer}/oauth/token`, { grant_type: forged, code: forged })
    const written = asWritten(all)
    expect(written.length).toBeGreaterThan(3)
    for (const line of written) {
      expect(line.endsWith('\n') && line.indexOf('\n') === line.length - 1).toBe(true)
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      expect(JSON.parse(line)).not.toMatchObject({ message: 'forged' })
    }
  })

  test('N-202 no secret of a whole day’s work is in any line of the log', async () => {
    await using all = await startTwoApps()
    await addGrace(all)
    const wiki = clientOf(all, 'wiki')
    const link = (await all.gateway.createSetUpLink()) ?? ''
    const browser = await signedIn(all, grace)
    const authenticator = createSoftwareAuthenticator({ origin: all.issuer })
    await addPasskey(all, browser, authenticator)
    await signInWithPasskey(all, createBrowser(), authenticator)
    await signInWithPasskey(all, createBrowser(), authenticator, { badSignature: true })
    const code = await codeFor(browser, wiki)
    const tokens = (await exchange(wiki, code)).body
    const wrong = [
      exchange(wiki, code),
      refresh(wiki, `${tokens.refresh_token}x`),
      ask(wiki, wiki.endpoints.token, {}, { authorization: 'Basic x' }),
    ]
    await Promise.all(wrong)
    const pushed = await ask(wiki, wiki.endpoints.par, authorizationRequest(wiki, 'v'.repeat(43)))
    await createBrowser().get(`${all.issuer}/set-up/${link}x`)
    await createBrowser().get(`${all.issuer}/set-up/${link}/more`)
    const guess = createBrowser()
    await guess.submit(
      await guess.get(`${all.issuer}/sign-in`),
      { ...grace, password: 'a wrong guess at it' },
      { action: '/sign-in' },
    )
    const cookie = sessionCookie(all, browser)
    await signInAt(browser, all.wiki)
    all.wiki.behave('fail')
    await signOut(all, browser)
    await all.gateway.dispatcher.runDue()
    const secrets = {
      cookie,
      link,
      code: code.code,
      verifier: code.verifier,
      access: tokens.access_token,
      refresh: tokens.refresh_token,
      idToken: tokens.id_token,
      pushed: pushed.body.request_uri,
      password: grace.password,
      guess: 'a wrong guess at it',
      clientSecret: wiki.clientSecret,
    }
    const log = asWritten(all).join('') + JSON.stringify(all.logLines)
    expect(log).toContain('lgo_')
    expect(
      Object.entries(secrets).filter(([, secret]) => secret === undefined || log.includes(secret)),
    ).toEqual([])
  })

  test('N-203 no key of a form, a query or a document reaches a prototype', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    const keys = [
      '__proto__',
      'constructor',
      'prototype',
      '__proto__[polluted]',
      'constructor[prototype][polluted]',
      'a[__proto__][polluted]',
      '__proto__.polluted',
    ]
    for (const key of keys) {
      const form = new URLSearchParams([[key, 'yes']])
      for (const path of [
        '/sign-in',
        '/sign-out',
        '/account/password',
        '/oauth/token',
        '/oauth/par',
        '/oauth/end-session',
        '/oauth/introspect',
      ]) {
        await fetch(`${all.issuer}${path}`, { method: 'POST', body: form, redirect: 'manual' })
        await browser.get(`${all.issuer}${path}?${form}`, { follow: false })
      }
      const json = `{"attempt":{"${key}":{"polluted":"yes"}},"${key}":{"polluted":"yes"}}`
      for (const path of ['/sign-in/passkey', '/sign-in/passkey/options', '/account/passkeys']) {
        await fetch(`${all.issuer}${path}`, {
          method: 'POST',
          body: json,
          headers: { 'content-type': 'application/json' },
        })
      }
      await browser.get(`${all.issuer}/oauth/authorize?client_id=wiki&claims=${encodeURIComponent(json)}`, {
        follow: false,
      })
    }
    const clean: Record<string, unknown> = {}
    expect([clean['polluted'], Object.keys(Object.prototype)]).toEqual([undefined, []])
    expect(all.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('N-204 nothing that is sent becomes part of a statement', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    for (const text of [
      "' or '1'='1",
      "'; drop table accounts; --",
      '" or ""="',
      "ada@example.com'--",
      '%',
      '_',
      '1 union select * from accounts',
      "\\'; --",
      "ada' and randomblob(100000000)--",
    ]) {
      const visitor = createBrowser()
      const page = await visitor.get(`${all.issuer}/sign-in`)
      const refused = await visitor.submit(page, { email: text, password: text }, { action: '/sign-in' })
      expect([text, refused.status, sessionCookie(all, visitor)]).toEqual([text, 403, undefined])
      visitor.setCookie(all.issuer, all.gateway.cookieNames.session, text.replaceAll(/[;"]/g, ''))
      const piece = encodeURIComponent(text)
      for (const path of [
        '/account',
        `/sign-in?attempt=${piece}`,
        `/sign-out/${piece}`,
        `/sign-out/lgo_${piece}`,
        `/set-up/${piece}`,
        `/oauth/authorize?client_id=${piece}`,
        `/oauth/interaction/${piece}`,
      ]) {
        const answer = await visitor.get(`${all.issuer}${path}`)
        expect([path, answer.status < 500, tracesIn(answer.text)]).toEqual([path, true, []])
      }
      const wiki = clientOf(all, 'wiki')
      for (const fields of [
        { grant_type: 'authorization_code', code: text, redirect_uri: text, code_verifier: 'v'.repeat(43) },
        { grant_type: 'refresh_token', refresh_token: text },
      ]) {
        expect((await ask(wiki, wiki.endpoints.token, fields)).body.error).toMatch(/^invalid_/)
      }
    }
    expect((await browser.get(`${all.issuer}/account`)).text).toContain(ada.email)
  })

  test('N-205 wherever a sign-in breaks inside, it is 500 with an id, nothing half-done, and the next one works', async () => {
    let left = Number.POSITIVE_INFINITY
    await using gateway = await startGateway({
      settings: { accounts: [ada] },
      pause: async () => {
        left -= 1
        if (left === 0) throw new TypeError('a bug of ours')
      },
    })
    const { stores } = gateway.gateway
    let broken = 0
    for (let statement = 1; ; statement += 1) {
      const browser = createBrowser()
      const page = await browser.get(`${gateway.issuer}/sign-in`)
      left = statement
      const { email, password } = ada
      const answer = await browser.submit(page, { email, password }, { action: '/sign-in', follow: false })
      const reached = left <= 0
      left = Number.POSITIVE_INFINITY
      if (!reached) {
        expect(answer.status).toBe(303)
        break
      }
      const began = await stores.sessions.countActive(10)
      // A touch that fails after the session was committed is the only thing that may still go well.
      if (answer.status === 303) {
        expect([statement, began]).toEqual([statement, 1])
        break
      }
      broken += 1
      expect([statement, answer.status, began, sessionCookie(gateway, browser)]).toEqual([
        statement,
        500,
        0,
        undefined,
      ])
      const id = /<code class="error-id">([^<]+)</.exec(answer.text)?.[1]
      expect(
        gateway.logLines.some(
          ({ level, fields }) => level === 'error' && JSON.stringify(fields).includes(String(id)),
        ),
      ).toBe(true)
      expect(answer.text).not.toContain('a bug of ours')
      expect(tracesIn(answer.text)).toEqual([])
      expect(JSON.stringify(await stores.audit.list({ limit: 100 }))).not.toContain('session.started')
    }
    expect(broken).toBeGreaterThan(8)
    expect(await signedIn(gateway)).toBeDefined()
  })
})

/** The lines as the log of a running gateway would have written them. */
function asWritten({ logLines }: TestGateway): readonly string[] {
  const lines: string[] = []
  const log = createJsonLog({ level: 'debug', stream: { write: (line: string) => void lines.push(line) } })
  for (const { level, message, fields } of logLines) {
    log[level as 'debug'](message, fields as Record<string, unknown>)
  }
  return lines
}
