/**
 * What every page does the same way, for people and for operators: who is asking, may this form act, and how an answer is sent.
 *
 * Owns: the order of the checks before anything changes. Relies on: http/ for each of them. Never: knows a page.
 */
import type { Context } from 'koa'
import { type Html, toText } from '#views/html.ts'
import type { Account } from '../accounts/account.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { AppRegistry } from '../apps/registry.ts'
import { type Form, readForm, readJson } from '../http/body.ts'
import type { Cookies } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import { requireOwnPage } from '../http/fetch-metadata.ts'
import { factsOf } from '../http/request.ts'
import { grantPage, type PageLeave } from '../http/security-headers.ts'
import type { SessionReader } from '../http/session.ts'
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AppId } from '../kernel/ids.ts'
import { isFresh } from '../sessions/assurance.ts'
import { cookieLifetimeSeconds, type SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SignInAttempt } from '../sign-in/attempt.ts'
import type { SignIn } from '../sign-in/sign-in.ts'

export interface PagesDeps {
  readonly issuer: string
  readonly clock: Clock
  readonly cookies: Cookies
  readonly csrf: Csrf
  readonly sessionOf: SessionReader<SsoSession>
  readonly sessions: Pick<SessionRegistry, 'policy' | 'touch'>
  readonly accounts: Pick<AccountStore, 'find'>
  readonly apps: Pick<AppRegistry, 'find'>
  readonly signIn: Pick<SignIn, 'begin'>
}

/** Whoever is signed in. */
export interface Person {
  readonly session: SsoSession
  readonly account: Account
}

/** What forms are made for before anyone has signed in. */
const signInPurpose = 'sign-in'

export type Pages = ReturnType<typeof createPages>

/** Creates the toolkit. */
export function createPages(deps: PagesDeps) {
  const { cookies, csrf, clock } = deps
  const ownOrigin = new URL(deps.issuer).origin

  const personOf = async (ctx: Context): Promise<Person | undefined> => {
    const session = await deps.sessionOf(ctx)
    if (session === undefined) return undefined
    // An account that is gone or disabled has no live session, except in the moment between the two.
    const account = await deps.accounts.find(session.accountId)
    return account?.state === 'active' ? { session, account } : undefined
  }

  /** Off to the sign-in page, and back to `resumePath` afterwards. */
  const toSignIn = async (
    ctx: Context,
    resumePath: string,
    wanted: SignInAttempt['wanted'] = {},
  ): Promise<string> => {
    const browser = cookies.ensureBrowser(ctx)
    const attempt = await deps.signIn.begin({
      resumePath,
      browser,
      address: factsOf(ctx.req).address,
      wanted,
    })
    return signInPath(attempt)
  }

  return {
    personOf,
    toSignIn,

    /** The same person once more, now. */
    toConfirm: (ctx: Context, { account }: Person, resumePath: string): Promise<string> =>
      toSignIn(ctx, resumePath, { accountId: account.id, provedAfter: clock.now() }),

    /** Sends a page. It is not stored anywhere (N-187). */
    show(
      ctx: Context,
      page: Html,
      options: { readonly status?: number; readonly leave?: PageLeave } = {},
    ): void {
      if (options.leave !== undefined) grantPage(ctx, options.leave)
      ctx.status = options.status ?? 200
      ctx.type = 'html'
      ctx.body = toText(page)
    },

    /** The signed-in person, or undefined after sending the browser to sign in and back to `resumePath`. */
    async requirePerson(ctx: Context, resumePath: string): Promise<Person | undefined> {
      const person = await personOf(ctx)
      if (person !== undefined) {
        await deps.sessions.touch(person.session, 'page')
        return person
      }
      goTo(ctx, await toSignIn(ctx, resumePath))
      return undefined
    },

    /** The form of a signed-in page, once everything about it is right (N-181). */
    async formOf(ctx: Context, person: Person): Promise<Form> {
      requireOwnPage(ctx.req.headers, ownOrigin)
      const form = await readForm(ctx)
      csrf.check(cookies.readBrowser(ctx), person.session.id, form.get('csrf'))
      return form
    },

    async jsonOf(ctx: Context, person: Person): Promise<unknown> {
      requireOwnPage(ctx.req.headers, ownOrigin)
      const value = await readJson(ctx)
      csrf.check(cookies.readBrowser(ctx), person.session.id, headerToken(ctx))
      return value
    },

    /** The form of a page that is shown before anyone has signed in, with the browser it was made for (N-182). */
    async signInFormOf(ctx: Context): Promise<{ readonly form: Form; readonly browser: string }> {
      requireOwnPage(ctx.req.headers, ownOrigin)
      const form = await readForm(ctx)
      return { form, browser: knownBrowser(ctx, form.get('csrf')) }
    },

    async signInJsonOf(ctx: Context): Promise<{ readonly value: unknown; readonly browser: string }> {
      requireOwnPage(ctx.req.headers, ownOrigin)
      const value = await readJson(ctx)
      return { value, browser: knownBrowser(ctx, headerToken(ctx)) }
    },

    /** JSON from a page that belongs to this browser and to nobody who is signed in. */
    async browserJsonOf(ctx: Context, purpose: string): Promise<unknown> {
      requireOwnPage(ctx.req.headers, ownOrigin)
      const value = await readJson(ctx)
      csrf.check(cookies.readBrowser(ctx), purpose, headerToken(ctx))
      return value
    },

    browserCsrf: (ctx: Context, purpose: string): string => csrf.token(cookies.ensureBrowser(ctx), purpose),

    checkBrowserCsrf: (ctx: Context, purpose: string, token: string): void =>
      csrf.check(cookies.readBrowser(ctx), purpose, token),

    csrfFor: (ctx: Context, person: Person): string =>
      csrf.token(cookies.ensureBrowser(ctx), person.session.id),

    signInCsrf: (ctx: Context): string => csrf.token(cookies.ensureBrowser(ctx), signInPurpose),

    /** Whether the last proof is young enough for a change that could lock the person out, or someone else in. */
    isFresh: (session: SsoSession): boolean => isFresh(session, clock.now()),

    /** The cookie after a change of privilege: always another value (N-001). */
    setSession(ctx: Context, session: SsoSession, secret: string): void {
      cookies.setSession(ctx, secret, cookieLifetimeSeconds(session, deps.sessions.policy, clock.now()))
    },

    /** Registered addresses at which a form may end that continues to an app. */
    formTargetsOf: (appId: AppId | undefined): readonly string[] =>
      appId === undefined ? [] : (deps.apps.find(appId)?.oidc.metadata.redirect_uris ?? []),

    originOf: (ctx: Context): { readonly address: string; readonly userAgent: string } => ({
      address: factsOf(ctx.req).address,
      userAgent: ctx.get('User-Agent'),
    }),
  }

  function knownBrowser(ctx: Context, token: string | undefined): string {
    const browser = cookies.readBrowser(ctx)
    csrf.check(browser, signInPurpose, token)
    // `check` has refused a browser without a cookie.
    if (browser === undefined) throw new GatewayError('csrf_token_invalid', 'This page has expired.')
    return browser
  }
}

/** Where the page of an attempt is. */
export function signInPath(attempt: string): string {
  return `/sign-in?attempt=${encodeURIComponent(attempt)}`
}

/**
 * On to another page: 303 after a form, so that a reload repeats nothing. For passkey.js the same as JSON, which it follows as a
 * refusal wherever it is in its ceremony. Only the continuation of an app's sign-out leads away from our origin.
 */
export function goTo(ctx: Context, address: string): void {
  if (typeof ctx.is('application/json') === 'string') {
    ctx.status = 403
    ctx.type = 'application/problem+json'
    ctx.body = JSON.stringify({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'Another page comes first.',
      location: address,
    })
    return
  }
  ctx.status = 303
  ctx.set('Location', address)
  ctx.body = ''
}

/** One value of a query parameter; one that comes twice has none. */
export function queryOf(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return typeof value === 'string' ? value : undefined
}

function headerToken(ctx: Context): string | undefined {
  const token = ctx.get('X-CSRF')
  return token === '' ? undefined : token
}
