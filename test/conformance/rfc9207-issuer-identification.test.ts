import { describe, expect, test } from 'vitest'
import { opened } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'
import { createBrowser, formOf } from '#test/support/browser.ts'

describe('RFC 9207, section 2: the answer says who it is from', () => {
  test('with a code', async () => {
    await using world = await startWorld()
    const { answer } = await opened(await world.signedIn(), world.client('wiki'))
    expect(answer?.['iss']).toBe(world.issuer)
  })

  test('with an error', async () => {
    await using world = await startWorld()
    const { answer } = await opened(createBrowser(), world.client('wiki'), { prompt: 'none' })
    expect(answer).toMatchObject({ error: 'login_required', iss: world.issuer })
  })
})

describe('OAuth 2.0 Form Post Response Mode 1.0', () => {
  test('section 2: the answer is posted to the app, by a page that its policy lets do that and nothing else', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const { page } = await opened(browser, client, { response_mode: 'form_post' })
    expect(page.status).toBe(200)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain(`form-action 'self' ${new URL(client.redirectUri).origin}`)
    expect(policy).toContain("default-src 'none'")
    const form = formOf(page)
    expect(form.action).toBe(client.redirectUri)
    expect(form.fields).toMatchObject({ state: 'the-state', iss: world.issuer, code: expect.any(String) })
  })

  test('the page submits itself under its own policy, and has a button where no script runs', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { page } = await opened(browser, world.client('wiki'), { response_mode: 'form_post' })
    const policy = page.headers.get('content-security-policy') ?? ''
    const script = /<script([^>]*)>/.exec(page.text)?.[1] ?? ''
    const nonce = /nonce="([^"]+)"/.exec(script)?.[1]
    const allowed = / src="\//.test(script)
      ? /script-src[^;]*'self'/.test(policy)
      : nonce === undefined
        ? /script-src[^;]*'sha256-/.test(policy)
        : policy.includes(`'nonce-${nonce}'`)
    expect(allowed).toBe(true)
    expect(page.text).toMatch(/type="submit"/)
  })

  test('an error goes the same way', async () => {
    await using world = await startWorld()
    const parameters = { response_mode: 'form_post', prompt: 'none' }
    const { page } = await opened(createBrowser(), world.client('wiki'), parameters)
    expect(formOf(page).fields).toMatchObject({ error: 'login_required', iss: world.issuer })
    expect(page.headers.get('content-security-policy')).toContain('form-action')
  })

  test('what the app sent is escaped', async () => {
    await using world = await startWorld()
    const parameters = { response_mode: 'form_post', state: '"><script>alert(1)</script>' }
    const { page } = await opened(await world.signedIn(), world.client('wiki'), parameters)
    expect(page.text).not.toContain('<script>alert')
  })
})
