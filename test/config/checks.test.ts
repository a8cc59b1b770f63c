import { describe, expect, test } from 'vitest'
import { anApp, load, longSecret, messagesAt, problemsOf } from './written.ts'

/** Each row: the rule, what is refused where, what is taken. */
interface Row {
  readonly rule: string
  readonly at: string
  readonly refused: string
  readonly taken: string
}

const publicClient = (uri: string, type: string) => `
apps:
  - id: cli
    oidc:
      token_endpoint_auth_method: none
      application_type: ${type}
      redirect_uris: [${uri}]
`

const keyClient = (keys: string) => `
apps:
  - id: robot
    oidc:
      token_endpoint_auth_method: private_key_jwt
      redirect_uris: [https://robot.example.com/callback]
${keys}
`

const webhookSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const webhook = (url: string, secret: string) => `logout: { webhook: { url: '${url}', secret: '${secret}' } }`

const publicKey = '{ kty: EC, crv: P-256, x: AA, y: AA }'

const refreshing = '      grant_types: [authorization_code, refresh_token]'

const twoApps = (first: string, second: string) => `
apps:
  - { id: one, oidc: { ${first} redirect_uris: [https://a.example.com/], client_secret: ${longSecret} } }
  - { id: ${second}, oidc: { redirect_uris: [https://a.example.com/], client_secret: ${longSecret} } }
`

const rows: readonly Row[] = [
  {
    rule: 'the issuer is https outside loopback',
    at: 'issuer',
    refused: 'issuer: http://login.example.com',
    taken: 'issuer: https://login.example.com',
  },
  {
    rule: 'the issuer has no path',
    at: 'issuer',
    refused: 'issuer: https://login.example.com/sso',
    taken: 'issuer: https://login.example.com:8443',
  },
  {
    rule: 'the issuer is written as browsers write it',
    at: 'issuer',
    refused: 'issuer: https://Login.example.com:443',
    taken: 'issuer: http://localhost:3000',
  },
  {
    rule: 'an issuer served over tls is https',
    at: 'issuer',
    refused: 'tls: { cert_file: c, key_file: k }\nissuer: http://localhost:3000',
    taken: 'tls: { cert_file: c, key_file: k }\nissuer: https://localhost:3000',
  },
  {
    rule: 'tls files can be read',
    at: 'tls.key_file',
    refused: 'issuer: https://localhost:3000\ntls: { cert_file: c, key_file: absent }',
    taken: 'issuer: https://localhost:3000\ntls: { cert_file: c, key_file: k }',
  },
  {
    rule: 'the logo can be read',
    at: 'appearance.logo_file',
    refused: 'appearance: { logo_file: absent.svg }',
    taken: 'appearance: { logo_file: logo.svg }',
  },
  {
    rule: 'a webhook has a secret',
    at: 'logout.webhook.secret',
    refused: 'logout: { webhook: { url: https://alerts.example.com/ } }',
    taken: webhook('https://alerts.example.com/', webhookSecret),
  },
  {
    rule: 'the secret of a webhook is written as its specification says',
    at: 'logout.webhook.secret',
    refused: webhook('https://alerts.example.com/', longSecret),
    taken: webhook('https://alerts.example.com/', `whsec_${Buffer.alloc(64, 7).toString('base64')}`),
  },
  {
    rule: 'the secret of a webhook has at least 24 bytes',
    at: 'logout.webhook.secret',
    refused: webhook('https://alerts.example.com/', `whsec_${Buffer.alloc(23, 7).toString('base64')}`),
    taken: webhook('https://alerts.example.com/', `whsec_${Buffer.alloc(24, 7).toString('base64')}`),
  },
  {
    rule: 'a webhook is https, or where egress.allow says',
    at: 'logout.webhook.url',
    refused: webhook('http://alerts.example.com/', webhookSecret),
    taken: `${webhook('http://alerts:8080/', webhookSecret)}\negress: { allow: ['alerts:8080'] }`,
  },
  {
    rule: 'a webhook has no key that nobody knows',
    at: 'logout.webhook.events',
    refused: `logout: { webhook: { url: 'https://alerts.example.com/', secret: ${webhookSecret}, events: all } }`,
    taken: webhook('http://127.0.0.1:8080/', webhookSecret),
  },
  {
    rule: 'metrics have a port of their own',
    at: 'metrics.port',
    refused: 'metrics: { port: 3000 }',
    taken: 'metrics: { port: 3001 }',
  },
  {
    rule: "an app's idle is not looser than the gateway's",
    at: 'apps[0].sessions.idle',
    refused: anApp('', '    sessions: { idle: 9h }'),
    taken: anApp('', '    sessions: { idle: 8h }'),
  },
  {
    rule: "an app's absolute is not looser than the gateway's",
    at: 'apps[0].sessions.absolute',
    refused: `sessions: { absolute: 1h }\n${anApp('', '    sessions: { absolute: 2h }')}`,
    taken: `sessions: { absolute: 2h }\n${anApp('', '    sessions: { absolute: 2h }')}`,
  },
  {
    rule: 'an app that keeps access while people are away gets refresh tokens',
    at: 'apps[0].oidc.grant_types',
    refused: anApp('', '    offline: survives-sign-out'),
    taken: anApp(refreshing, '    offline: survives-sign-out'),
  },
  {
    rule: 'an app that keeps access while people are away may ask for it',
    at: 'apps[0].oidc.scope',
    refused: anApp(`${refreshing}\n      scope: openid`, '    offline: survives-sign-out'),
    taken: anApp(`${refreshing}\n      scope: openid offline_access`, '    offline: survives-sign-out'),
  },
  {
    rule: 'access is everyone or at least one group',
    at: 'apps[0].access',
    refused: anApp('', '    access: []'),
    taken: anApp('', '    access: [staff]'),
  },
  {
    rule: 'access does not take one group for a list',
    at: 'apps[0].access',
    refused: anApp('', '    access: staff'),
    taken: anApp('', '    access: everyone'),
  },
  {
    rule: 'causes come from the closed set',
    at: 'apps[0].logout.causes',
    refused: anApp('', '    logout: { causes: [boredom] }'),
    taken: anApp('', '    logout: { causes: [admin, idle] }'),
  },
  {
    rule: 'a client secret has at least 32 characters',
    at: 'apps[0].oidc.client_secret',
    refused: anApp().replace(longSecret, 'x'.repeat(31)),
    taken: anApp().replace(longSecret, 'x'.repeat(32)),
  },
  {
    rule: 'a confidential client has a secret',
    at: 'apps[0].oidc.client_secret',
    refused: anApp().replace(/client_secret: .*/, ''),
    taken: anApp(),
  },
  {
    rule: 'a public client has none',
    at: 'apps[0].oidc.client_secret',
    refused: anApp('      token_endpoint_auth_method: none'),
    taken: publicClient('https://cli.example.com/', 'web'),
  },
  {
    rule: 'private_key_jwt needs keys',
    at: 'apps[0].oidc.jwks',
    refused: keyClient(''),
    taken: keyClient('      jwks_uri: https://robot.example.com/keys'),
  },
  {
    rule: 'private_key_jwt takes keys from one place',
    at: 'apps[0].oidc.jwks',
    refused: keyClient(
      `      jwks_uri: https://robot.example.com/keys\n      jwks: { keys: [${publicKey}] }`,
    ),
    taken: keyClient(`      jwks: { keys: [${publicKey}] }`),
  },
  {
    rule: 'an algorithm for proofs belongs to private_key_jwt only',
    at: 'apps[0].oidc.token_endpoint_auth_signing_alg',
    refused: anApp('      token_endpoint_auth_signing_alg: ES256'),
    taken: keyClient(`      jwks: { keys: [${publicKey}] }\n      token_endpoint_auth_signing_alg: ES256`),
  },
  {
    rule: 'an algorithm for proofs is one that keeps the secret out of it',
    at: 'apps[0].oidc.token_endpoint_auth_signing_alg',
    refused: keyClient(`      jwks: { keys: [${publicKey}] }\n      token_endpoint_auth_signing_alg: HS256`),
    taken: keyClient(`      jwks: { keys: [${publicKey}] }\n      token_endpoint_auth_signing_alg: EdDSA`),
  },
  {
    rule: 'a key set holds no private key',
    at: 'apps[0].oidc.jwks',
    refused: keyClient('      jwks: { keys: [{ kty: EC, crv: P-256, x: AA, y: AA, d: AA }] }'),
    taken: keyClient(`      jwks: { keys: [${publicKey}] }`),
  },
  {
    rule: 'keys belong to private_key_jwt only',
    at: 'apps[0].oidc.jwks_uri',
    refused: anApp('      jwks_uri: https://wiki.example.com/keys'),
    taken: anApp('      client_uri: https://wiki.example.com/keys'),
  },
  {
    rule: 'a redirect over plain http stays on loopback or in allowed networks',
    at: 'apps[0].oidc.redirect_uris[0]',
    refused: publicClient('http://cli.example.com/', 'web'),
    taken: publicClient('http://127.0.0.1:4001/callback', 'web'),
  },
  {
    rule: 'a redirect over plain http may go where egress.allow says',
    at: 'apps[0].oidc.redirect_uris[0]',
    refused: `egress: { allow: [10.0.0.0/8] }${publicClient('http://11.0.0.1/', 'web')}`,
    taken: `egress: { allow: [10.0.0.0/8] }${publicClient('http://10.0.0.1/', 'web')}`,
  },
  {
    rule: 'only a native app has a scheme of its own (RFC 8252 section 7.1)',
    at: 'apps[0].oidc.redirect_uris[0]',
    refused: publicClient('com.example.cli:/callback', 'web'),
    taken: publicClient('com.example.cli:/callback', 'native'),
  },
  {
    rule: 'a scheme without a dot is nobody’s own',
    at: 'apps[0].oidc.redirect_uris[0]',
    refused: publicClient('"javascript:alert(1)"', 'native'),
    taken: publicClient('"com.example.cli:/x"', 'native'),
  },
  {
    rule: 'a redirect has no fragment (RFC 6749 section 3.1.2)',
    at: 'apps[0].oidc.redirect_uris[0]',
    refused: publicClient('"https://cli.example.com/#x"', 'web'),
    taken: publicClient('"https://cli.example.com/?x"', 'web'),
  },
  {
    rule: 'the return from sign-out obeys the same rule',
    at: 'apps[0].oidc.post_logout_redirect_uris[0]',
    refused: anApp('      post_logout_redirect_uris: [http://wiki.example.com/]'),
    taken: anApp('      post_logout_redirect_uris: [https://wiki.example.com/]'),
  },
  {
    rule: 'back-channel logout over plain http stays on loopback or in allowed networks',
    at: 'apps[0].oidc.backchannel_logout_uri',
    refused: anApp('      backchannel_logout_uri: http://wiki:8080/logout'),
    taken: `egress: { allow: ["wiki:8080"] }${anApp('      backchannel_logout_uri: http://wiki:8080/logout')}`,
  },
  {
    rule: 'a frame is loaded from where a code could be sent (Front-Channel Logout 1.0 section 2)',
    at: 'apps[0].oidc.frontchannel_logout_uri',
    refused: anApp('      frontchannel_logout_uri: https://elsewhere.example.com/logout'),
    taken: anApp('      frontchannel_logout_uri: https://wiki.example.com/logout'),
  },
  {
    rule: 'who needs a session in the frame has a frame',
    at: 'apps[0].oidc.frontchannel_logout_uri',
    refused: anApp('      frontchannel_logout_session_required: true'),
    taken: anApp(
      '      frontchannel_logout_session_required: true\n      frontchannel_logout_uri: https://wiki.example.com/x',
    ),
  },
  {
    rule: 'a channel has its address',
    at: 'apps[0].logout.channel',
    refused: anApp(
      '      backchannel_logout_uri: https://wiki.example.com/x',
      '    logout: { channel: both }',
    ),
    taken: anApp(
      '      backchannel_logout_uri: https://wiki.example.com/x',
      '    logout: { channel: back-channel }',
    ),
  },
  {
    rule: 'an attempt takes no longer than a process that stops may wait',
    at: 'apps[0].logout.timeout',
    refused: anApp('', '    logout: { timeout: 31s }'),
    taken: anApp('', '    logout: { timeout: 30s }'),
  },
  {
    rule: 'pairwise subjects need one host (OpenID Connect Core 1.0 section 8.1)',
    at: 'apps[0].oidc.subject_type',
    refused: anApp('      subject_type: pairwise').replace(
      'callback]',
      'callback, https://other.example.com/]',
    ),
    taken: anApp('      subject_type: pairwise').replace('callback]', 'callback, https://wiki.example.com/]'),
  },
  {
    rule: 'grant types hold authorization_code',
    at: 'apps[0].oidc.grant_types',
    refused: anApp('      grant_types: [refresh_token]'),
    taken: anApp('      grant_types: [authorization_code, refresh_token]'),
  },
  {
    rule: 'scopes hold openid',
    at: 'apps[0].oidc.scope',
    refused: anApp('      scope: profile email'),
    taken: anApp('      scope: openid profile email'),
  },
  { rule: 'an app id stands once', at: 'apps[1].id', refused: twoApps('', 'one'), taken: twoApps('', 'two') },
  {
    rule: 'a client_id stands once, given or taken from the id',
    at: 'apps[1].oidc.client_id',
    refused: twoApps('client_id: two,', 'two'),
    taken: twoApps('client_id: other,', 'two'),
  },
  {
    rule: 'an account id stands once',
    at: 'accounts[1].id',
    refused: 'accounts: [{ id: a, email: a@b.co }, { id: a, email: c@d.co }]',
    taken: 'accounts: [{ id: a, email: a@b.co }, { id: c, email: c@d.co }]',
  },
  {
    rule: 'an e-mail address stands once, whatever its case',
    at: 'accounts[1].email',
    refused: 'accounts: [{ email: a@b.co }, { email: A@B.co }]',
    taken: 'accounts: [{ email: a@b.co }, { email: c@b.co }]',
  },
  {
    rule: 'an account has a password or its hash',
    at: 'accounts[0].password_hash',
    refused: `accounts:
  - email: a@b.co
    password: long-enough
    password_hash: $argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b0dWRWJTmaaJObGxOiP31Btcn8`,
    taken: `accounts:
  - email: a@b.co
    password_hash: $argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b0dWRWJTmaaJObGxOiP31Btcn8`,
  },
  {
    rule: 'a password hash is argon2id with parameters that fit',
    at: 'accounts[0].password_hash',
    refused:
      'accounts: [{ email: a@b.co, password_hash: "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b0dWRWJTmaaJObGxOiP31Btcn8" }]',
    taken:
      'accounts: [{ email: a@b.co, password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b0dWRWJTmaaJObGxOiP31Btcn8" }]',
  },
]

describe('rules between settings', () => {
  const files = { c: 'certificate', k: 'key', 'logo.svg': '<svg/>' }

  test.for(rows)('$rule', ({ at, refused, taken }) => {
    expect(messagesAt(at, problemsOf(refused, {}, files))).toHaveLength(1)
    expect(problemsOf(taken, {}, files)).toEqual([])
  })
})

describe('warnings', () => {
  const warningsOf = (yaml: string) => load(yaml).warnings.map(({ path }) => path)

  test('an issuer on an IP address gets no passkeys', () => {
    expect(warningsOf('issuer: http://127.0.0.1:3000')).toEqual(['issuer'])
    expect(warningsOf('issuer: https://[2001:db8::1]')).toEqual(['issuer'])
    expect(warningsOf('issuer: https://login.example.com')).toEqual([])
  })

  test('a loopback issuer on another port than the listener is reached by nobody', () => {
    expect(warningsOf('listen: { port: 4000 }')).toEqual(['listen.port'])
    expect(warningsOf('listen: { port: 4000 }\nissuer: http://localhost:4000')).toEqual([])
    expect(warningsOf('listen: { port: 4000 }\nissuer: https://login.example.com')).toEqual([])
  })

  test('asking to stay signed in must not shorten the session', () => {
    expect(warningsOf('sessions: { remember_me: { enabled: true, absolute: 1h } }')).toEqual([
      'sessions.remember_me.absolute',
    ])
    expect(warningsOf('sessions: { remember_me: { enabled: true } }')).toEqual([])
  })

  test('an app on loopback is not told while the issuer is elsewhere, unless egress.allow names it', () => {
    const app = anApp('      backchannel_logout_uri: http://127.0.0.1:4001/logout')
    const issuer = 'issuer: https://login.example.com'
    expect(warningsOf(`${issuer}${app}`)).toEqual(['apps[0].oidc.backchannel_logout_uri'])
    expect(warningsOf(`${issuer}\negress: { allow: [127.0.0.0/8] }${app}`)).toEqual([])
    expect(warningsOf(app)).toEqual([])
  })
})
