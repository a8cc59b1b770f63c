import { createHash } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { opened } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { ask, type TokenBody } from '#test/support/oauth.ts'

/** An app that holds a key and proves it with each request. */
async function keyHolder(world: World) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const proof = (method: string, url: string, accessToken?: string): Promise<string> =>
    new SignJWT({
      jti: crypto.randomUUID(),
      htm: method,
      htu: url,
      iat: Math.floor(world.clock.now() / 1_000),
      ...(accessToken === undefined
        ? {}
        : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey)
  return { proof }
}

const basic = (world: World) => {
  const { clientId, clientSecret } = world.client('wiki')
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
}

async function boundTokens(world: World, dpop: string): Promise<TokenBody & { token_type?: string }> {
  const client = world.client('wiki')
  const { answer, verifier } = await opened(await world.signedIn(), client)
  const redeeming = {
    grant_type: 'authorization_code',
    code: answer?.['code'] ?? '',
    code_verifier: verifier,
    redirect_uri: client.redirectUri,
  }
  return (await ask(client, client.endpoints.token, redeeming, { ...basic(world), dpop })).body
}

async function userinfo(world: World, accessToken: string, dpop: string): Promise<number> {
  const { userinfo: url } = world.client('wiki').endpoints
  return (await fetch(url, { headers: { authorization: `DPoP ${accessToken}`, dpop } })).status
}

describe('RFC 9449, Demonstrating Proof of Possession', () => {
  test('section 5: a token asked for with a proof is bound to its key, and opens userinfo with that key', async () => {
    await using world = await startWorld()
    const { token, userinfo: userinfoUrl } = world.client('wiki').endpoints
    const holder = await keyHolder(world)
    const body = await boundTokens(world, await holder.proof('POST', token))
    expect(body.token_type).toBe('DPoP')
    const access = body.access_token ?? ''
    expect(await userinfo(world, access, await holder.proof('GET', userinfoUrl, access))).toBe(200)
  })

  test('section 7: it is worth nothing to who stole it: no proof, another key, or a proof for something else', async () => {
    await using world = await startWorld()
    const { token, userinfo: url } = world.client('wiki').endpoints
    const holder = await keyHolder(world)
    const thief = await keyHolder(world)
    const access = (await boundTokens(world, await holder.proof('POST', token))).access_token ?? ''
    const bearer = await fetch(url, { headers: { authorization: `Bearer ${access}` } })
    expect(bearer.status).toBe(401)
    expect(await userinfo(world, access, await thief.proof('GET', url, access))).toBe(401)
    expect(await userinfo(world, access, await holder.proof('POST', url, access))).toBe(401)
    expect(await userinfo(world, access, await holder.proof('GET', token, access))).toBe(401)
    expect(await userinfo(world, access, await holder.proof('GET', url, 'another'))).toBe(401)
  })

  test('section 11.1: a proof is taken once, by one of ten at the same time', async () => {
    await using world = await startWorld({ seed: 9 })
    const { token, userinfo: url } = world.client('wiki').endpoints
    const holder = await keyHolder(world)
    const access = (await boundTokens(world, await holder.proof('POST', token))).access_token ?? ''
    const once = await holder.proof('GET', url, access)
    const answers = await Promise.all(Array.from({ length: 10 }, () => userinfo(world, access, once)))
    expect(answers.filter((status) => status === 200)).toHaveLength(1)
  })

  test('section 4.3: a proof of long ago is refused', async () => {
    await using world = await startWorld()
    const { token, userinfo: url } = world.client('wiki').endpoints
    const holder = await keyHolder(world)
    const access = (await boundTokens(world, await holder.proof('POST', token))).access_token ?? ''
    const old = await holder.proof('GET', url, access)
    world.clock.advance({ minutes: 6 })
    expect(await userinfo(world, access, old)).toBe(401)
  })
})
