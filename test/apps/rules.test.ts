import { describe, expect, test } from 'vitest'
import { isOpenTo, isToldOf, type LogoutChannel } from '#gateway/apps/app.ts'
import type { ClientMetadata } from '#gateway/apps/client-metadata.ts'
import { hashChosenSecret, isClientSecret, newClientSecret } from '#gateway/apps/client-secret.ts'
import { covers, merged } from '#gateway/apps/consent.ts'
import { readMetadata } from '#gateway/apps/read-metadata.ts'
import { problemsOf } from '#gateway/apps/rules.ts'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { anApp, someRules } from './builders.ts'

const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

function fieldsOf(metadata: Partial<ClientMetadata>): readonly string[] {
  return problemsOf(anApp({}, metadata), someRules).map(({ field }) => field)
}

describe('an app', () => {
  test('with a redirect address, a secret and nothing unusual is acceptable', () => {
    expect(problemsOf(anApp(), someRules)).toEqual([])
  })

  test.for([
    'https://wiki.example/callback',
    'https://wiki.example:8443/callback?tenant=1',
    'http://127.0.0.1:4001/callback',
    'http://localhost:4001/callback',
    'http://[::1]:4001/callback',
  ])('may be sent back to %s', (address) => {
    expect(fieldsOf({ redirect_uris: [address] })).toEqual([])
  })

  test.for([
    ['/callback', 'relative'],
    ['https://wiki.example/callback#part', 'a fragment'],
    ['https://wiki.example/callback#', 'an empty fragment'],
    ['https://ada:secret@wiki.example/callback', 'a password'],
    ['https://ada@wiki.example/callback', 'a user name'],
    ['https://*.wiki.example/callback', 'a wildcard in the host'],
    ['https://wiki.example/*', 'a wildcard in the path'],
    ['https://wiki.example;sandbox/callback', 'a host that would be a directive of our policy'],
    ['https://wiki.example,x/callback', 'a host that would end our policy'],
    ["https://'self'/callback", 'a host that would be a word of our policy'],
    ['http://wiki.example/callback', 'plain http on a public host'],
    ['http://127.0.0.1.evil.example/callback', 'a name that only begins like loopback'],
    ['javascript:alert(1)', 'a script (N-036)'],
    ['data:text/html,x', 'data (N-036)'],
    ['vbscript:x', 'a script of another kind (N-036)'],
    ['file:///etc/passwd', 'a file (N-036)'],
    ['com.example.app:/callback', 'a scheme of its own though it is a web app (N-036)'],
    ['https://wiki.example/call back', 'a space'],
    ['https://wiki.example\\callback', 'a backslash'],
    ['https://wiki.example/\u202Ecallback', 'an invisible character'],
    [`https://wiki.example/${'a'.repeat(2_048)}`, 'more characters than fit'],
  ] as const)('is refused the redirect address %s: %s', ([address]) => {
    expect(fieldsOf({ redirect_uris: [address] })).toEqual(['redirect_uris[0]'])
    expect(fieldsOf({ post_logout_redirect_uris: [address] })).toEqual(['post_logout_redirect_uris[0]'])
  })

  test('that runs on the device of the person may use a scheme that its developer owns', () => {
    expect(fieldsOf({ application_type: 'native', redirect_uris: ['com.example.app:/callback'] })).toEqual([])
  })

  test.for(['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///x', 'myapp:/callback'])(
    'that runs on the device of the person is refused %s all the same (N-036)',
    (address) => {
      expect(fieldsOf({ application_type: 'native', redirect_uris: [address] })).toEqual(['redirect_uris[0]'])
    },
  )

  test('needs somewhere to be sent back to', () => {
    expect(fieldsOf({ redirect_uris: [] })).toEqual(['redirect_uris'])
  })

  test('with pairwise subjects has all its redirect addresses on one host', () => {
    const hosts = { subject_type: 'pairwise' } as const
    expect(fieldsOf({ ...hosts, redirect_uris: ['https://a.example/1', 'https://a.example/2'] })).toEqual([])
    expect(fieldsOf({ ...hosts, redirect_uris: ['https://a.example/1', 'https://b.example/1'] })).toEqual([
      'subject_type',
    ])
  })

  test('may be told of sign-outs at https, and at plain http only where the gateway allows it', () => {
    expect(fieldsOf({ backchannel_logout_uri: 'https://wiki.example/logout' })).toEqual([])
    expect(fieldsOf({ backchannel_logout_uri: 'http://127.0.0.1:4001/logout' })).toEqual([])
    expect(fieldsOf({ backchannel_logout_uri: 'http://wiki.example/logout' })).toEqual([
      'backchannel_logout_uri',
    ])
    expect(fieldsOf({ backchannel_logout_uri: 'https://wiki.example/logout#x' })).toEqual([
      'backchannel_logout_uri',
    ])
    expect(fieldsOf({ backchannel_logout_uri: 'ftp://wiki.example/logout' })).toEqual([
      'backchannel_logout_uri',
    ])
  })

  test('is framed only at an origin to which a code could be sent anyway (Front-Channel Logout 1.0 section 2)', () => {
    const at = (frontchannel_logout_uri: string) => fieldsOf({ frontchannel_logout_uri })
    expect(at('http://127.0.0.1:4001/logout?x=1')).toEqual([])
    for (const elsewhere of [
      'https://127.0.0.1:4001/logout',
      'http://127.0.0.1:4002/logout',
      'http://localhost:4001/logout',
      'http://127.0.0.1:4001/logout#x',
      'http://user@127.0.0.1:4001/logout',
      'javascript:alert(1)',
      'data:text/html,x',
    ]) {
      expect([elsewhere, at(elsewhere)]).toEqual([elsewhere, ['frontchannel_logout_uri']])
    }
    expect(fieldsOf({ frontchannel_logout_session_required: true })).toEqual([
      'frontchannel_logout_session_required',
    ])
  })

  test('has the addresses of the channels that it is told by', () => {
    const fields = (channel: LogoutChannel, metadata: Partial<ClientMetadata>) =>
      problemsOf(anApp({ logout: { causes: 'all', appSignsOut: 'ask', channel } }, metadata), someRules).map(
        ({ field }) => field,
      )
    const back = { backchannel_logout_uri: 'https://wiki.example/logout' }
    const front = { frontchannel_logout_uri: 'http://127.0.0.1:4001/logout' }
    expect(fields('back-channel', back)).toEqual([])
    expect(fields('back-channel', front)).toEqual(['logout.channel'])
    expect(fields('front-channel', front)).toEqual([])
    expect(fields('front-channel', back)).toEqual(['logout.channel'])
    expect(fields('both', { ...back, ...front })).toEqual([])
    expect(fields('both', back)).toEqual(['logout.channel'])
  })

  test('is given from 1 to 30 seconds for an attempt to tell it', () => {
    const fields = (timeoutMs: number) =>
      problemsOf(anApp({ logout: { causes: 'all', appSignsOut: 'everywhere', timeoutMs } }), someRules).map(
        ({ field }) => field,
      )
    for (const fine of [1_000, 30_000]) expect(fields(fine)).toEqual([])
    for (const wrong of [999, 30_001, Number.NaN]) expect(fields(wrong)).toEqual(['logout.timeout'])
  })

  test('has links that a browser may follow', () => {
    expect(fieldsOf({ logo_uri: 'javascript:alert(1)', policy_uri: 'https://wiki.example/privacy' })).toEqual(
      ['logo_uri'],
    )
    expect(problemsOf(anApp({ launchUrl: 'javascript:alert(1)' }), someRules)[0]?.field).toBe('launch_url')
  })

  test('proves itself with exactly what its method needs', () => {
    const withoutSecret = { clientId: 'wiki', metadata: anApp().oidc.metadata }
    expect(problemsOf(anApp({ oidc: withoutSecret }), someRules)[0]?.field).toBe('client_secret')
    expect(fieldsOf({ token_endpoint_auth_method: 'none' })).toEqual(['client_secret'])
    expect(fieldsOf({ jwks: { keys: [publicKey] } })).toEqual(['jwks'])
    const ownKeys = { ...withoutSecret.metadata, token_endpoint_auth_method: 'private_key_jwt' } as const
    const fieldsWith = (metadata: ClientMetadata) =>
      problemsOf(anApp({ oidc: { clientId: 'wiki', metadata } }), someRules).map(({ field }) => field)
    expect(fieldsWith(ownKeys)).toEqual(['jwks'])
    expect(fieldsWith({ ...ownKeys, jwks: { keys: [publicKey] } })).toEqual([])
    expect(
      fieldsWith({ ...ownKeys, jwks: { keys: [publicKey] }, jwks_uri: 'https://a.example/jwks' }),
    ).toEqual(['jwks'])
    const alone = { token_endpoint_auth_signing_alg: 'PS256' } as const
    expect(fieldsWith({ ...ownKeys, ...alone, jwks: { keys: [publicKey] } })).toEqual([])
    expect(fieldsOf(alone)).toEqual(['token_endpoint_auth_signing_alg'])
  })

  test('asks for openid when it names its scopes', () => {
    expect(fieldsOf({ scope: 'openid email' })).toEqual([])
    expect(fieldsOf({ scope: 'email' })).toEqual(['scope'])
  })

  test('that keeps access while people are away has refresh tokens and offline_access to keep', () => {
    const fields = (metadata: Partial<ClientMetadata>) =>
      problemsOf(anApp({ offline: 'survives-sign-out' }, metadata), someRules).map(({ field }) => field)
    const both = ['authorization_code', 'refresh_token'] as const
    expect(fields({ grant_types: both })).toEqual([])
    expect(fields({ grant_types: both, scope: 'openid offline_access' })).toEqual([])
    expect(fields({})).toEqual(['offline'])
    expect(fields({ grant_types: both, scope: 'openid email' })).toEqual(['offline'])
  })

  test('never lives longer than the gateway says', () => {
    const fields = (sessions: { idleMs?: number; absoluteMs?: number; acr?: string }) =>
      problemsOf(anApp({ sessions }), someRules).map(({ field }) => field)
    expect(fields({ idleMs: someRules.idleMs, absoluteMs: someRules.absoluteMs, acr: 'phr' })).toEqual([])
    expect(fields({ idleMs: someRules.idleMs + 1 })).toEqual(['sessions.idle'])
    expect(fields({ absoluteMs: someRules.absoluteMs + 1 })).toEqual(['sessions.absolute'])
    expect(fields({ idleMs: 999 })).toEqual(['sessions.idle'])
    expect(fields({ acr: 'high' })).toEqual(['sessions.acr'])
  })

  test('open to an empty list of groups is a mistake, never open to everyone (DECISIONS 45)', () => {
    const app = anApp({ access: { kind: 'groups', groups: [] } })
    expect(problemsOf(app, someRules).map(({ field }) => field)).toEqual(['access'])
    expect(isOpenTo(app, ['staff'])).toBe(false)
  })

  test('is open to members of its groups while it is enabled', () => {
    const app = anApp({ access: { kind: 'groups', groups: ['staff', 'board'] } })
    expect(isOpenTo(app, ['guests', 'board'])).toBe(true)
    expect(isOpenTo(app, ['guests'])).toBe(false)
    expect(isOpenTo(anApp(), [])).toBe(true)
    expect(isOpenTo(anApp({ state: 'disabled' }), [])).toBe(false)
  })

  test('is told of the causes it asked for', () => {
    const app = anApp({ logout: { causes: ['admin'], appSignsOut: 'everywhere' } })
    expect(isToldOf(app, 'admin')).toBe(true)
    expect(isToldOf(app, 'idle')).toBe(false)
    expect(isToldOf(anApp(), 'idle')).toBe(true)
  })
})

describe('metadata as an operator hands it in', () => {
  test('that is silent means what the specification says: RS256, client_secret_basic, code', () => {
    const read = readMetadata({ redirect_uris: ['https://a.example/'] })
    expect(read).toMatchObject({
      kind: 'read',
      metadata: {
        id_token_signed_response_alg: 'RS256',
        token_endpoint_auth_method: 'client_secret_basic',
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    })
  })

  test('keeps what it does not name when it changes an app', () => {
    const { metadata } = anApp({}, { scope: 'openid' }).oidc
    expect(readMetadata({ require_auth_time: true }, metadata)).toEqual({
      kind: 'read',
      metadata: { ...metadata, require_auth_time: true },
    })
  })

  test.for([
    [
      'an algorithm that would make the secret a signing key (DECISIONS 17)',
      { id_token_signed_response_alg: 'HS256' },
    ],
    ['an unsigned token', { id_token_signed_response_alg: 'none' }],
    ['a response type that puts tokens in the address bar', { response_types: ['token'] }],
    ['a grant that nobody needs', { grant_types: ['password'] }],
    ['a method that signs with the secret', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['a list where text belongs', { scope: ['openid'] }],
    ['scopes with two spaces between', { scope: 'openid  email' }],
    ['a text where a list belongs', { redirect_uris: 'https://a.example/' }],
    ['an age below nothing', { default_max_age: -1 }],
    ['half a second', { default_max_age: 0.5 }],
    ['a private key among public ones', { jwks: { keys: [{ ...publicKey, d: 'secret' }] } }],
    ['a symmetric key among public ones', { jwks: { keys: [{ kty: 'oct', k: 'secret' }] } }],
    ['an empty key set', { jwks: { keys: [] } }],
    ['a field of another protocol', { request_uris: ['https://a.example/'] }],
    ['a name that objects have by nature', { constructor: 'x' }],
    ['too many addresses', { redirect_uris: new Array(65).fill('https://a.example/') }],
  ] as const)('is refused with %s', ([, given]) => {
    const read = readMetadata(given)
    expect(read).toMatchObject({ kind: 'wrong', problems: [{ field: Object.keys(given)[0] }] })
  })

  test('reports everything that is wrong at once', () => {
    const read = readMetadata({ scope: 1, contacts: 2, what: 3 })
    expect(read.kind === 'wrong' && read.problems.map(({ field }) => field)).toEqual([
      'scope',
      'contacts',
      'what',
    ])
    expect(readMetadata([]).kind).toBe('wrong')
  })
})

describe('a client secret', () => {
  test('of ours has 256 bits and is kept as a hash only', () => {
    const { secret, secretHash } = newClientSecret(createSeededRandom(1))
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(secretHash).not.toContain(secret)
    expect(isClientSecret(secretHash, secret)).toBe(true)
    expect(isClientSecret(secretHash, `${secret}x`)).toBe(false)
    expect(isClientSecret(undefined, secret)).toBe(false)
  })

  test('of an operator is refused when it is shorter than 32 characters (DECISIONS 17)', () => {
    expect(hashChosenSecret('x'.repeat(31))).toBeUndefined()
    expect(hashChosenSecret('x'.repeat(32))).toBeDefined()
    expect(hashChosenSecret('x'.repeat(513))).toBeUndefined()
    expect(hashChosenSecret(`${'x'.repeat(32)}é`)).toBeUndefined()
  })
})

describe('a consent', () => {
  const consent = (scopes: string[], claims: string[] = []) => ({
    accountId: 'ada' as AccountId,
    appId: 'wiki' as AppId,
    scopes,
    claims,
    grantedAt: 1,
  })

  test('covers what was agreed to and nothing more', () => {
    expect(covers(consent(['openid', 'email']), { scopes: ['openid'], claims: [] })).toBe(true)
    expect(covers(consent(['openid']), { scopes: ['openid', 'email'], claims: [] })).toBe(false)
    expect(covers(consent(['openid']), { scopes: [], claims: ['groups'] })).toBe(false)
  })

  test('grows by what is agreed to later', () => {
    expect(merged(consent(['openid', 'email']), consent(['openid', 'address'], ['groups']))).toEqual(
      consent(['address', 'email', 'openid'], ['groups']),
    )
  })
})
