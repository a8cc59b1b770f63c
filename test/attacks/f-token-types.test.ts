import { describe, expect, test } from 'vitest'
import { signJwt } from '#gateway/keys/sign-jwt.ts'
import { verifyJwt } from '#gateway/keys/verify-jwt.ts'
import { receiptType } from '#gateway/logout/receipt.ts'
import { openLogoutEndpoint } from '#test/apps/logout-endpoint.ts'
import { endedWorld, receiptOf } from '#test/logout/receipts.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'
import { ask, codeFor, exchange, isActive, refresh, userinfoStatus } from '#test/support/oauth.ts'

async function withReceipt() {
  const world = await endedWorld({
    apps: { wiki: { oidc: { grant_types: ['authorization_code', 'refresh_token'] } } },
  })
  await world.gateway.dispatcher.runDue()
  return { ...world, receipt: await receiptOf(world, world.logoutId) }
}

describe('a logout token', () => {
  test('N-072: is no hint for a sign-out, although the app it was sent to is its audience', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    await redeemed(await opened(browser, world.client('wiki')))
    await world.gateway.endSession({ kind: 'app', appId: 'wiki' as never }, 'admin', { kind: 'command-line' })
    await world.gateway.dispatcher.runDue()
    const sent = world.receiver.received.find(({ path }) => path === '/wiki/backchannel-logout')
    const token = new URLSearchParams(sent?.body).get('logout_token') ?? ''
    expect(token.split('.')).toHaveLength(3)
    const answer = await browser.get(`${world.issuer}/oauth/end-session?id_token_hint=${token}`)
    expect(answer.status).toBe(400)
    expect((await browser.get(`${world.issuer}/`)).url).toBe(`${world.issuer}/`)
  })
})

describe('a receipt of a Logout', () => {
  test('N-072: is no other token: not a hint, an access or refresh token, an assertion, a proof or a logout token', async () => {
    await using world = await withReceipt()
    const { receipt, issuer } = world
    const client = world.client('wiki')

    expect(await userinfoStatus(client, receipt)).toBe(401)
    expect(await isActive(client, receipt)).toBe(false)
    expect((await refresh(client, receipt)).body.error).toBe('invalid_grant')
    const code = { grant_type: 'authorization_code', redirect_uri: client.redirectUri }
    expect((await ask(client, client.endpoints.token, { ...code, code: receipt })).status).toBe(400)
    const assertion = {
      client_assertion: receipt,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_id: 'wiki',
    }
    const asserted = await ask(client, client.endpoints.token, { ...code, code: 'x', ...assertion }, {})
    expect(asserted.body.error).toMatch(/^invalid_(client|request)$/)
    const fresh = await codeFor(await world.signedIn(), client)
    const dpop = await exchange(client, fresh, { dpop: receipt })
    expect(dpop.body.error).toBe('invalid_dpop_proof')

    const browser = await world.signedIn()
    const hinted = await opened(browser, client, { prompt: 'none', id_token_hint: receipt })
    expect(hinted.answer?.['code']).toBeUndefined()
    for (const more of ['', '&client_id=wiki']) {
      const signedOut = await browser.get(`${issuer}/oauth/end-session?id_token_hint=${receipt}${more}`)
      expect(signedOut.status).toBe(400)
    }
    expect((await browser.get(`${issuer}/`)).url).toBe(`${issuer}/`)

    await using app = await openLogoutEndpoint({
      issuer,
      clientId: 'wiki',
      overlooks: ['missing-exp', 'jti'],
    })
    const told = await fetch(`${app.url}/logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: receipt }),
    })
    expect(told.status).toBe(400)
  })

  test('N-072: is what no other token of ours can pass for, though all are signed with the same key', async () => {
    await using world = await withReceipt()
    const { keys } = world.gateway
    const { keys: published } = (await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as {
      keys: Record<string, unknown>[]
    }
    const why = (token: string) => {
      const verdict = verifyJwt(token, { typ: receiptType, keys: published, maxLength: 1_000_000 })
      return verdict.kind === 'invalid' ? verdict.why : verdict.kind
    }
    expect(why(world.receipt)).toBe('valid')
    const [tokens] = world.tokens
    const [told] = world.receiver.received.filter(({ path }) => path === '/wiki/backchannel-logout')
    const logoutToken = new URLSearchParams(told?.body).get('logout_token') ?? ''
    const { stores, sealer } = world.gateway
    await sealer.runOnce()
    const [checkpoint] = await stores.audit.checkpoints()
    expect(why(tokens?.id_token ?? '')).toMatch(/another type/)
    expect(why(logoutToken)).toMatch(/another type/)
    expect(why(checkpoint?.signature ?? '')).toMatch(/another type/)
    expect(why(tokens?.access_token ?? '')).toMatch(/no signed token/)
    expect(why(tokens?.refresh_token ?? '')).toMatch(/no signed token/)
    // Nor what says the right things under another type.
    const said = { iss: world.issuer, iat: 1 }
    expect(why(signJwt({ typ: 'JWT' }, said, keys.signing('ES256')))).toMatch(/another type/)
  })
})
