/** Every address of the gateway with what it takes: what the suites of this folder go through one by one. */

export interface Address {
  readonly path: string
  readonly methods: readonly string[]
  /** Which body it reads, if it reads one. */
  readonly body?: 'form' | 'json'
}

const uid = 'A'.repeat(43)
const id = (prefix: string): string => `${prefix}_${'A'.repeat(22)}`

const shows = (path: string): Address => ({ path, methods: ['GET', 'HEAD'] })
const takesForm = (path: string): Address => ({ path, methods: ['POST'], body: 'form' })
const takesJson = (path: string): Address => ({ path, methods: ['POST'], body: 'json' })
const showsAndTakesForm = (path: string): Address => ({
  path,
  methods: ['GET', 'HEAD', 'POST'],
  body: 'form',
})
/** Of an app's server or script: `OPTIONS` asks whether a script of another origin may. */
const machine = (path: string): Address => ({ path, methods: ['POST', 'OPTIONS'], body: 'form' })

export const addresses: readonly Address[] = [
  shows('/'),
  shows('/healthz'),
  shows('/readyz'),
  shows('/.well-known/openid-configuration'),
  shows('/.well-known/oauth-authorization-server'),
  shows('/.well-known/change-password'),
  shows('/.well-known/passkey-endpoints'),
  shows('/oauth/jwks'),
  { path: '/oauth/authorize', methods: ['GET'] },
  { path: `/oauth/authorize/${uid}`, methods: ['GET'] },
  { path: `/oauth/interaction/${uid}`, methods: ['GET'] },
  { path: `/oauth/interaction/${uid}/finish`, methods: ['GET'] },
  { path: '/oauth/end-session', methods: ['GET', 'POST'], body: 'form' },
  machine('/oauth/token'),
  machine('/oauth/revoke'),
  machine('/oauth/introspect'),
  machine('/oauth/par'),
  { path: '/oauth/userinfo', methods: ['GET', 'POST', 'OPTIONS'], body: 'form' },
  takesForm(`/consent/${uid}`),
  showsAndTakesForm('/sign-in'),
  takesForm('/sign-in/cancel'),
  { path: '/sign-in/passkey', methods: ['GET', 'HEAD', 'POST'], body: 'json' },
  takesJson('/sign-in/passkey/options'),
  takesForm('/sign-in/passkey/skip'),
  showsAndTakesForm('/sign-out'),
  shows(`/sign-out/${id('lgo')}`),
  shows(`/sign-out/${id('lgo')}/events`),
  shows(`/sign-out/${id('lgo')}/on`),
  takesJson(`/sign-out/${id('lgo')}/loaded`),
  showsAndTakesForm(`/set-up/${uid}`),
  takesJson(`/set-up/${uid}/passkey`),
  takesJson(`/set-up/${uid}/passkey/options`),
  shows('/account'),
  shows('/account/confirm'),
  takesForm('/account/apps/wiki/remove'),
  takesForm('/account/password'),
  takesJson('/account/passkeys'),
  takesJson('/account/passkeys/options'),
  takesForm(`/account/passkeys/${id('crd')}/rename`),
  takesForm(`/account/passkeys/${id('crd')}/remove`),
  takesForm('/account/sessions/end-others'),
  takesForm(`/account/sessions/${id('ses')}/end`),
  shows('/api/openapi.json'),
  shows('/api/v1/sessions'),
  { path: `/api/v1/sessions/${id('ses')}`, methods: ['GET', 'HEAD', 'DELETE'] },
  { path: '/api/v1/sessions/end', methods: ['GET', 'HEAD', 'DELETE', 'POST'], body: 'json' },
  shows('/api/v1/logouts'),
  shows(`/api/v1/logouts/${id('lgo')}`),
  shows(`/api/v1/logouts/${id('lgo')}/receipt`),
  takesJson('/api/v1/deliveries/retry'),
  takesJson(`/api/v1/deliveries/${id('dlv')}/retry`),
  shows('/api/v1/apps/health'),
  takesJson('/api/v1/apps/wiki/check'),
]
