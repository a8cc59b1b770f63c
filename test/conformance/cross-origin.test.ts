import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'

const foreign = 'https://evil.example'

describe('Fetch standard, CORS: which pages may read what the endpoints answer', () => {
  test('an app in the browser may read its own token and userinfo answers', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const { origin } = new URL(client.redirectUri)
    const { body } = await redeemed(await opened(await world.signedIn(), client))
    const response = await fetch(client.endpoints.userinfo, {
      headers: { origin, authorization: `Bearer ${body.access_token}` },
    })
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
  })

  test('nobody else may, even with the app’s token', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const { body } = await redeemed(await opened(await world.signedIn(), client))
    const response = await fetch(client.endpoints.userinfo, {
      headers: { origin: foreign, authorization: `Bearer ${body.access_token}` },
    })
    expect(response.status).toBe(400)
    expect(await response.text()).not.toContain('ada@example.com')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test.for(['/', '/account', '/sign-in', '/oauth/authorize', '/oauth/end-session'])(
    'no page may read %s of ours',
    async (path) => {
      await using world = await startWorld()
      const response = await fetch(`${world.issuer}${path}`, {
        headers: { origin: foreign },
        redirect: 'manual',
      })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    },
  )
})
