import { describe, expect, test } from 'vitest'
import type { Resolve } from '#adapters/egress-connect.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'
import { startGateway } from '#test/support/gateway.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import { type Calling, type Way, ways } from './outbound.ts'

/** Where names lead; a name of which one address is inside is inside. */
const zone: Readonly<Record<string, readonly string[]>> = {
  localhost: ['127.0.0.1', '::1'],
  'inner.example': ['10.0.0.7'],
  'metadata.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:169.254.169.254'],
  'mixed.example': ['1.1.1.1', '192.168.0.1'],
  'loop.example': ['127.0.0.1'],
  'six.example': ['fd00:ec2::254'],
}
const resolve: Resolve = async (hostname) =>
  (zone[hostname] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

const here = [
  '127.0.0.1',
  '127.0.0.53',
  'localhost',
  'loop.example',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '127.1',
  '0.0.0.0',
  '[::]',
  '\uff11\uff12\uff17.0.0.1',
]
const inside = [
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.1.1',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '[::ffff:169.254.169.254]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:a9fe:a9fe::1]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  'inner.example',
  'metadata.example',
  'mapped.example',
  'mixed.example',
  'six.example',
]

/** Each kind of place once: for the webhook every address is a gateway of its own. */
const fewer = [
  '127.0.0.1',
  '[::ffff:7f00:1]',
  '2130706433',
  '0.0.0.0',
  '10.0.0.1',
  '169.254.169.254',
  '[fe80::1]',
]
const all = [...here, ...inside]

function wayOf(name: string): Way {
  const way = ways[name]
  if (way === undefined) throw new Error(`there is no ${name}`)
  return way
}

/** Apps on this machine may be called while the issuer is on it too. */
const onLoopback = { issuer: 'http://localhost:1' }

const reasons = ({ outcomes }: Calling) =>
  outcomes.map((outcome) => (outcome.kind === 'unreachable' ? outcome.reason : outcome.status))

describe('Q: requests of our own', () => {
  test.for(Object.keys(ways))('N-171 %s inside is refused where it would connect', async (name) => {
    await using app = await openReceiver({ host: '::' })
    const addresses = (name === 'the webhook' ? fewer : all).map(
      (host) => `https://${host}:${app.port}/called`,
    )
    for (const group of name === 'the webhook' ? addresses.map((address) => [address]) : [addresses]) {
      await using calling = await wayOf(name)(group, { resolve })
      for (const [which, address] of group.entries()) {
        const before = calling.outcomes.length
        await calling.call(which)
        const came = new Set(reasons(calling).slice(before))
        expect([address, came]).toEqual([address, new Set(['address-refused'])])
      }
    }
    expect(app.connections).toBe(0)
  })

  test.for(Object.keys(ways))('N-171 %s is told nothing over plain http', async (name) => {
    await using app = await openReceiver()
    // What may be registered, because it may be loopback, and is not called, because the issuer is not.
    await using calling = await wayOf(name)([`http://localhost:${app.port}/called`], { resolve })
    await calling.call()
    expect(new Set(reasons(calling))).toEqual(new Set(['address-refused']))
    expect(app.connections).toBe(0)
    for (const host of ['app.example', '1.1.1.1', '10.0.0.1', '2130706434.example']) {
      const address = `http://${host}/called`
      await expect(wayOf(name)([address]).then((opened) => opened[Symbol.asyncDispose]())).rejects.toThrow(
        /https/,
      )
    }
  })

  test.for(['backchannel_logout_uri', 'the check of an app', 'jwks_uri'])(
    'N-171 %s that is bound to another address after it was looked at is not called there',
    async (name) => {
      await using app = await openReceiver()
      let lookups = 0
      const rebinding: Resolve = async () => {
        lookups++
        return [{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]
      }
      await using calling = await wayOf(name)([`http://localhost:${app.port}/called`], {
        resolve: rebinding,
        settings: onLoopback,
      })
      // One look-up, and the connection goes where it led; the next connection is looked at by itself.
      app.behave('hang-up')
      await calling.call()
      const looked = lookups
      expect([app.connections, reasons(calling)[0]]).toEqual([1, 'broken'])
      await calling.call()
      expect(lookups).toBeGreaterThan(looked)
      expect(reasons(calling).slice(1)).toEqual(reasons(calling).slice(1).fill('address-refused'))
      expect(app.connections).toBe(1)
    },
  )

  test('N-171 addresses that are only shown to people are called by nobody, and others cannot be registered', async () => {
    await using trap = await openReceiver()
    const shown = { client_uri: trap.url, logo_uri: trap.url, policy_uri: trap.url, tos_uri: trap.url }
    await using gateway = await startGateway({
      settings: { accounts: [ada], apps: [declaredApp('wiki', 'http://127.0.0.1:1', {}, shown)] },
    })
    await (await fetch(`${gateway.issuer}/oauth/authorize?client_id=wiki&request_uri=${trap.url}`)).text()
    for (const field of ['sector_identifier_uri', 'request_uris', 'initiate_login_uri']) {
      const app = declaredApp('wiki', 'http://127.0.0.1:1', {}, { [field]: trap.url })
      await expect(startGateway({ settings: { apps: [app] } })).rejects.toThrow(field)
    }
    expect(trap.connections).toBe(0)
  })

  test.for(Object.keys(ways))(
    'N-172 %s leads nowhere: what it answers is neither followed nor shown',
    async (name) => {
      await using inner = await openReceiver()
      await using app = await openReceiver()
      await using calling = await wayOf(name)([app.url], { settings: onLoopback })
      const secret = 'what-only-the-inner-network-knows'
      for (const answer of [301, 302, 303, 307, 308]) {
        app.behave({ answer, headers: { location: inner.url }, body: secret })
        expect(await calling.call()).not.toContain(secret)
      }
      for (const answer of [200, 500]) {
        app.behave({ answer, body: `${secret} ${'x'.repeat(5_000_000)}` })
        expect(await calling.call()).not.toContain(secret)
      }
      expect(app.received.length).toBeGreaterThanOrEqual(name === 'the webhook' ? 1 : 7)
      expect(inner.connections).toBe(0)
      for (const outcome of calling.outcomes) {
        expect(outcome.kind === 'answered' ? outcome.body.length : 0).toBeLessThanOrEqual(64 * 1024)
      }
      expect(JSON.stringify(calling.gateway.logLines)).not.toContain(secret)
    },
  )

  test.for(Object.keys(ways))(
    'N-173 %s inside is called when the operator has named its host and port',
    async (name) => {
      await using app = await openReceiver()
      await using other = await openReceiver()
      const allow = [`inner.example:${app.port}`]
      const toHere: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]
      const options = { resolve: toHere, settings: { egress: { allow } } }
      {
        await using calling = await wayOf(name)([`http://inner.example:${app.port}/called`], options)
        await calling.call()
        expect(reasons(calling)[0]).toBe(200)
      }
      expect(app.received.length).toBeGreaterThan(0)
      const elsewhere = [
        `https://inner.example:${other.port}/called`,
        `https://x.inner.example:${app.port}/called`,
        `https://127.0.0.1:${app.port}/called`,
        `https://inner.example.:${app.port}/called`,
      ]
      const { connections } = app
      for (const address of elsewhere) {
        await using calling = await wayOf(name)([address], options)
        await calling.call()
        expect([address, new Set(reasons(calling))]).toEqual([address, new Set(['address-refused'])])
      }
      expect([app.connections, other.connections]).toEqual([connections, 0])
    },
  )

  test('N-174 no header of a request steers what it makes the gateway call', async () => {
    await using inner = await openReceiver()
    await using app = await openReceiver()
    const at = new URL(inner.url).host
    const steering = {
      forwarded: `host=${at};proto=http`,
      'x-forwarded-host': at,
      'x-forwarded-server': at,
      'x-original-url': inner.url,
      'x-rewrite-url': inner.url,
      'x-zitadel-forward-host': at,
      via: `1.1 ${at}`,
    }
    {
      await using calling = await wayOf('jwks_uri')([app.url], { settings: onLoopback })
      await calling.call(0, steering)
      expect(reasons(calling)).toEqual([200])
    }
    await using all = await startWorld()
    const browser = await all.signedIn()
    const { body } = await redeemed(await opened(browser, all.client('wiki')))
    const query = new URLSearchParams({ id_token_hint: body.id_token ?? '' })
    await browser.get(`${all.issuer}/oauth/end-session?${query}`, { headers: steering, follow: false })
    expect(await all.told('wiki')).toMatchObject([{ iss: all.issuer, aud: 'wiki' }])
    for (const { headers } of [...app.received, ...all.receiver.received]) {
      expect(headers.host).not.toBe(at)
      expect(Object.keys(headers).filter((name) => /forward|via|original|rewrite/.test(name))).toEqual([])
    }
    expect([app.received.length, inner.connections]).toEqual([1, 0])
  })
})
