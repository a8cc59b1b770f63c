import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type WebAuthnCredential,
} from '@simplewebauthn/server'
import type { Context, Middleware } from 'koa'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { type SampleServer, serveSamples } from '#test/views/serve-samples.ts'
import { launchChromium } from './chromium.ts'

/** A server that knows one passkey, verifies for real, and writes down what it was sent. */
class PasskeyServer {
  known: WebAuthnCredential | undefined
  received: { path: string; csrf: string | undefined; body: Record<string, unknown> }[] = []
  /** Answers instead of verifying. */
  refusal: { at: 'options' | 'finish'; problem: object } | undefined
  /** Where a finished ceremony leads. */
  location = '/arrived'
  origin = ''
  #challenge = ''

  readonly answer: Middleware = async (ctx) => {
    if (ctx.method !== 'POST') return
    const body = await bodyOf(ctx)
    this.received.push({ path: ctx.path, csrf: ctx.get('x-csrf'), body })
    const step = ctx.path.endsWith('/options') ? 'options' : 'finish'
    if (this.refusal?.at === step) {
      ctx.status = 403
      ctx.body = this.refusal.problem
      return
    }
    const creating = ctx.path.startsWith('/account/') || ctx.path.startsWith('/set-up/')
    if (step === 'options') ctx.body = { options: await (creating ? this.#creation() : this.#request()) }
    else ctx.body = { location: await (creating ? this.#create(body) : this.#verify(body)) }
  }

  async #creation(): Promise<object> {
    const options = await generateRegistrationOptions({
      rpName: 'Gatehouse',
      rpID: 'localhost',
      userName: 'ada@example.com',
      excludeCredentials: this.known === undefined ? [] : [{ id: this.known.id }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    })
    this.#challenge = options.challenge
    return options
  }

  async #request(): Promise<object> {
    const options = await generateAuthenticationOptions({ rpID: 'localhost', userVerification: 'required' })
    this.#challenge = options.challenge
    return options
  }

  async #create(body: Record<string, unknown>): Promise<string> {
    const { registrationInfo } = await verifyRegistrationResponse({
      response: body['credential'] as RegistrationResponseJSON,
      expectedChallenge: this.#challenge,
      expectedOrigin: this.origin,
      expectedRPID: 'localhost',
    })
    this.known = registrationInfo?.credential
    return this.location
  }

  async #verify(body: Record<string, unknown>): Promise<string> {
    if (this.known === undefined) throw new Error('No passkey was made before')
    const { verified } = await verifyAuthenticationResponse({
      response: body['credential'] as AuthenticationResponseJSON,
      expectedChallenge: this.#challenge,
      expectedOrigin: this.origin,
      expectedRPID: 'localhost',
      credential: this.known,
    })
    return verified ? this.location : '/refused'
  }
}

async function bodyOf(ctx: Context): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of ctx.req) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}

describe.skipIf(chromium === undefined)('passkey.js in Chromium', () => {
  let browser: Browser
  let server: SampleServer
  let context: BrowserContext
  let page: Page
  let cdp: CDPSession
  let authenticatorId: string
  const passkeys = new PasskeyServer()
  const note = '[data-passkey-note]'

  beforeAll(async () => {
    server = await serveSamples({ answers: passkeys.answer })
    passkeys.origin = server.origin
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    Object.assign(passkeys, { known: undefined, received: [], refusal: undefined, location: '/arrived' })
    context = await browser.newContext()
    page = await context.newPage()
    cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable', { enableUI: false })
    const added = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        defaultBackupEligibility: true,
        defaultBackupState: true,
      },
    })
    authenticatorId = added.authenticatorId
    return () => context.close()
  })

  async function createPasskey(): Promise<void> {
    await page.goto(`${server.origin}/offer-passkey-offer`)
    await page.click('[data-passkey-button]')
    await page.waitForURL('**/arrived')
  }

  test('creates a passkey and goes on to where the server says, with the attempt and the proof of origin', async () => {
    await createPasskey()
    expect(passkeys.known).toBeDefined()
    expect(passkeys.received).toEqual([
      { path: '/account/passkeys/options', csrf: 'csrf-token', body: { attempt: 'attempt-1' } },
      {
        path: '/account/passkeys',
        csrf: 'csrf-token',
        body: { attempt: 'attempt-1', credential: expect.objectContaining({ type: 'public-key' }) },
      },
    ])
  })

  test('signs in from the e-mail field’s suggestions, without a click', async () => {
    await createPasskey()
    await page.goto(`${server.origin}/sign-in-for-app`)
    await page.waitForURL('**/arrived')
    expect(passkeys.received.at(-1)?.body).toMatchObject({ attempt: 'attempt-1' })
    expect(passkeys.received.at(-1)?.body).not.toHaveProperty('remember')
  })

  test('signs in by the button', async () => {
    await createPasskey()
    await page.goto(`${server.origin}/sign-in-confirm-with-passkey`)
    await page.click('[data-passkey-button]')
    await page.waitForURL('**/arrived')
  })

  test('translates by itself where the browser does not', async () => {
    await context.addInitScript(`
      delete PublicKeyCredential.parseCreationOptionsFromJSON
      delete PublicKeyCredential.parseRequestOptionsFromJSON
      delete PublicKeyCredential.prototype.toJSON`)
    await createPasskey()
    await page.goto(`${server.origin}/sign-in-confirm-with-passkey`)
    await page.click('[data-passkey-button]')
    await page.waitForURL('**/arrived')
  })

  test('sends what the set-up form says, but never the password, and only once it is filled in', async () => {
    await page.goto(`${server.origin}/set-up-first`)
    await page.click('[data-passkey-button]')
    expect(passkeys.received).toEqual([])
    await page.fill('#email', 'ada@example.com')
    await page.fill('#name', 'Ada')
    await page.fill('#password', 'correct horse battery staple')
    await page.click('[data-passkey-button]')
    await page.waitForURL('**/arrived')
    expect(passkeys.received.map(({ path }) => path)).toEqual([
      '/set-up/one-time/passkey/options',
      '/set-up/one-time/passkey',
    ])
    expect(passkeys.received[1]?.body).toMatchObject({ email: 'ada@example.com', name: 'Ada' })
    expect(JSON.stringify(passkeys.received)).not.toContain('battery')
  })

  test('says when nobody proved to be there, and lets them try again', async () => {
    await createPasskey()
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    await page.goto(`${server.origin}/sign-in-confirm-with-passkey`)
    await page.click('[data-passkey-button]')
    await expect
      .poll(() => page.textContent(note))
      .toBe('No passkey was used. Try again, or use your password.')
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
    await page.click('[data-passkey-button]')
    await page.waitForURL('**/arrived')
  })

  test('says when this device has a passkey already', async () => {
    await createPasskey()
    await page.goto(`${server.origin}/account-usual`)
    await page.click('[data-passkey-button]')
    await expect
      .poll(() => page.textContent(note))
      .toBe('This device has a passkey for your account already.')
  })

  test('shows the words of a refusal as text', async () => {
    passkeys.refusal = {
      at: 'options',
      problem: { title: 'Too many tries', detail: 'Wait <b>4 minutes</b>.' },
    }
    await page.goto(`${server.origin}/offer-passkey-offer`)
    await page.click('[data-passkey-button]')
    await expect.poll(() => page.textContent(note)).toBe('Wait <b>4 minutes</b>.')
  })

  test('goes where a refusal sends it, when somebody clicked', async () => {
    passkeys.refusal = { at: 'options', problem: { location: '/sign-in-confirm' } }
    await page.goto(`${server.origin}/offer-passkey-offer`)
    await page.click('[data-passkey-button]')
    await page.waitForURL('**/sign-in-confirm')
  })

  test('neither moves nor speaks when nobody clicked', async () => {
    passkeys.refusal = { at: 'options', problem: { location: '/sign-in-confirm', detail: 'Expired.' } }
    const answered = page.waitForResponse('**/sign-in/passkey/options')
    await page.goto(`${server.origin}/sign-in-plain`)
    await (await answered).finished()
    expect(await page.isVisible(note)).toBe(false)
    expect(page.url()).toBe(`${server.origin}/sign-in-plain`)
  })

  test('never leaves for another origin', async () => {
    passkeys.location = 'https://evil.example/'
    await page.goto(`${server.origin}/offer-passkey-offer`)
    await page.click('[data-passkey-button]')
    await expect.poll(() => page.textContent(note)).toBe('That did not work. Try again.')
    expect(page.url()).toBe(`${server.origin}/offer-passkey-offer`)
  })

  test('tells the passkey manager of a passkey that was removed here', async () => {
    await createPasskey()
    await context.addInitScript(
      'window.forgotten = []; PublicKeyCredential.signalUnknownCredential = async (one) => { forgotten.push(one) }',
    )
    passkeys.refusal = {
      at: 'finish',
      problem: { detail: 'That passkey was removed.', unknown_credential: true },
    }
    await page.goto(`${server.origin}/sign-in-confirm-with-passkey`)
    await page.click('[data-passkey-button]')
    await expect.poll(() => page.textContent(note)).toBe('That passkey was removed.')
    expect(await page.evaluate('forgotten')).toEqual([
      { rpId: 'localhost', credentialId: passkeys.known?.id },
    ])
  })

  test('leaves the password first where the browser has no passkeys', async () => {
    await context.addInitScript('delete window.PublicKeyCredential')
    await page.goto(`${server.origin}/sign-in-plain`)
    expect(await page.isVisible('[data-passkey-button]')).toBe(false)
    expect(await page.isVisible('#password')).toBe(true)
    await page.goto(`${server.origin}/sign-in-confirm-with-passkey`)
    expect(await page.isVisible('.without-passkeys')).toBe(true)
  })
})
