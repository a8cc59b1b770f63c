import { z } from 'zod'
import { withHint } from './hints.ts'
import { assertionSigningAlgs, declaredLogoutCauses, tokenEndpointAuthMethods } from './resolved.ts'
import {
  chosenId,
  displayName,
  duration,
  email,
  group,
  redirectAddress,
  secret,
  secretFile,
  webAddress,
} from './values.ts'

/** An app that does not say how it authenticates at the token endpoint uses this (RFC 7591 section 2). */
export const defaultAuthMethod = 'client_secret_basic'

/** Lists in client metadata are short; the bound keeps a request's comparison cheap. */
const mostAddresses = 64

const keySet = withHint(
  z
    .strictObject({
      keys: z
        .array(z.record(z.string(), z.unknown()))
        .min(1)
        .max(16)
        .describe('Public keys, as RFC 7517 has them.'),
    })
    .superRefine((set, context) => {
      // A symmetric or private key here would be a secret in a file of public ones (RFC 7517 section 9.2).
      if (set.keys.some((key) => typeof key['kty'] !== 'string' || 'd' in key || 'k' in key)) {
        context.addIssue({ code: 'custom' })
      }
    }),
  { expected: 'a JWK set of public keys only' },
)

/** Client metadata under its standard names (RFC 7591, OpenID Connect Registration 1.0, the OIDC logout specifications). */
const oidc = z.strictObject({
  client_id: chosenId.optional().describe("Default: the app's id."),
  client_secret: secret(z.string().min(32).max(512), 'at least 32 characters from a random source')
    .optional()
    .describe('Stored hashed. Needed unless token_endpoint_auth_method says otherwise.'),
  client_secret_file: secretFile('client_secret'),
  token_endpoint_auth_method: z
    .enum(tokenEndpointAuthMethods)
    .default(defaultAuthMethod)
    .describe(
      'client_secret_basic, client_secret_post, private_key_jwt (with jwks or jwks_uri) or none (public client).',
    ),
  token_endpoint_auth_signing_alg: z
    .enum(assertionSigningAlgs)
    .optional()
    .describe('The only algorithm the app signs its private_key_jwt with. Default: any of them.'),
  jwks: keySet.optional().describe('Public keys for private_key_jwt.'),
  jwks_uri: webAddress.optional().describe('Where the app publishes its keys for private_key_jwt.'),
  redirect_uris: withHint(z.array(redirectAddress).min(1).max(mostAddresses), {
    expected: 'a list with at least one address',
  }).describe('Where the app takes its answers. Compared byte by byte.'),
  post_logout_redirect_uris: z
    .array(redirectAddress)
    .max(mostAddresses)
    .default([])
    .describe('Where people may land after they signed out from the app.'),
  backchannel_logout_uri: webAddress
    .optional()
    .describe(
      'Where the app is told that a session ended. Without it, it can be told through the browser at best.',
    ),
  backchannel_logout_session_required: z
    .boolean()
    .default(false)
    .describe('The app needs sid in each logout token.'),
  frontchannel_logout_uri: webAddress
    .optional()
    .describe(
      'What the browser loads in a frame when a session ended. For apps that have nothing better: it proves nothing, and ' +
        'works only while the browser is there and lets frames use cookies.',
    ),
  frontchannel_logout_session_required: z
    .boolean()
    .default(false)
    .describe('The app needs iss and sid in that address. The gateway always adds them.'),
  id_token_signed_response_alg: z
    .enum(['ES256', 'RS256'])
    .default('RS256')
    .describe(
      'ES256 is smaller and faster; silence means RS256 (OpenID Connect Registration 1.0 section 2).',
    ),
  grant_types: withHint(
    z
      .array(z.enum(['authorization_code', 'refresh_token']))
      .max(2)
      .refine((types) => types.includes('authorization_code')),
    { expected: 'authorization_code, and refresh_token where the app refreshes' },
  )
    .default(['authorization_code'])
    .describe('Name refresh_token to get refresh tokens.'),
  response_types: withHint(z.array(z.literal('code')).length(1), { expected: '[code]' })
    .default(['code'])
    .describe('Only code: tokens never travel through the address bar.'),
  scope: withHint(
    z
      .string()
      .max(1_000)
      .regex(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/)
      .refine((text) => text.split(' ').includes('openid')),
    { expected: 'scopes separated by one space, openid among them' },
  )
    .optional()
    .describe('The scopes the app may ask for. Default: all there are.'),
  subject_type: z
    .enum(['public', 'pairwise'])
    .default('public')
    .describe('pairwise: the app sees subjects that no other app sees.'),
  default_max_age: withHint(z.int().min(0).max(31_536_000), { expected: 'seconds from 0 to 31536000' })
    .optional()
    .describe('The sign-in may be this many seconds old at most, unless the request says otherwise.'),
  require_auth_time: z.boolean().default(false).describe('Put auth_time into each ID token.'),
  application_type: z
    .enum(['web', 'native'])
    .default('web')
    .describe('native: runs on the device of the person; may use a scheme of its own in redirect_uris.'),
  client_uri: webAddress.optional().describe('Home page of the app.'),
  logo_uri: webAddress.optional().describe('Logo of the app.'),
  policy_uri: webAddress.optional().describe('Privacy policy of the app, linked on the consent page.'),
  tos_uri: webAddress.optional().describe('Terms of the app, linked on the consent page.'),
  contacts: z.array(email).max(16).optional().describe('Who to write to about the app.'),
  require_pushed_authorization_requests: z
    .boolean()
    .default(false)
    .describe('Take authorization requests of this app only when pushed (RFC 9126).'),
})

const access = withHint(z.union([z.literal('everyone'), z.array(group).min(1).max(256)]), {
  expected: 'everyone, or a list with at least one group',
})

const sessions = z.strictObject({
  idle: duration
    .optional()
    .describe("Ends the app's session, and only that. Never longer than the gateway's."),
  absolute: duration
    .optional()
    .describe("Ends the app's session, and only that. Never longer than the gateway's."),
  acr: z
    .enum(['', 'urn:gatehouse:acr:1', 'urn:gatehouse:acr:2', 'phr'])
    .default('')
    .describe(
      'The least assurance: urn:gatehouse:acr:1 (one factor), urn:gatehouse:acr:2 (two, or a passkey), phr (a passkey).',
    ),
})

const causes = withHint(
  z.union([z.literal('all'), z.array(z.enum(declaredLogoutCauses)).max(declaredLogoutCauses.length)]),
  {
    expected: `all, or a list of: ${declaredLogoutCauses.join(', ')}`,
  },
)

const logout = z.strictObject({
  causes: causes.default('all').describe('For which causes of an end the app is told.'),
  app_signs_out: z
    .enum(['everywhere', 'this-app', 'ask'])
    .default('everywhere')
    .describe(
      'What signing out at the app ends: the whole sign-in, only this app, or what the person chooses.',
    ),
  channel: z
    .enum(['auto', 'back-channel', 'front-channel', 'both'])
    .default('auto')
    .describe(
      'How the app is told: by the gateway, through the browser, or both. auto: by the gateway where the app has a ' +
        'backchannel_logout_uri, else through the browser.',
    ),
  timeout: duration
    .optional()
    .describe(
      'How long one attempt to tell the app may take, 1s to 30s. Default: logout.timeout of the gateway.',
    ),
  local_session: duration
    .optional()
    .describe(
      "How long the app's own session may outlive a missed logout. Shown to people when the app cannot be told.",
    ),
})

export const appSchema = z.strictObject({
  id: chosenId.describe('Stable name of the app.'),
  name: displayName.optional().describe("What people call it. Default: the app's id."),
  launch_url: webAddress
    .optional()
    .describe('Where its tile on the home page leads. Without it there is no tile.'),
  first_party: z.boolean().default(false).describe('true: no consent page.'),
  access: access
    .default('everyone')
    .describe('Who may use it: everyone, or members of at least one of these groups.'),
  sessions: sessions.prefault({}).describe('Stricter limits for this app.'),
  logout: logout.prefault({}).describe('How this app takes part in sign-out.'),
  offline: z
    .enum(['ends-with-session', 'survives-sign-out'])
    .default('ends-with-session')
    .describe(
      'Whether refresh tokens that were granted with offline_access outlive the person leaving: signing out, idling out, the ' +
        'absolute end. With survives-sign-out they end by tokens.offline_idle and offline_absolute, and at once when the person signs ' +
        'out everywhere, changes the password, removes the access, or an operator ends it.',
    ),
  oidc: oidc.describe('OpenID Connect client metadata under its standard names.'),
})

export type AppSettings = z.output<typeof appSchema>
