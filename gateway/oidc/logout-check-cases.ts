/**
 * The tokens that a check shows to an app, and what the specification says of each (OpenID Connect Back-Channel Logout 1.0).
 *
 * Every token speaks of a `sub` and a `sid` that nobody has, so whatever the app looks its sessions up by, and however little it
 * verifies, it finds none to end. That is why one token is not shown that section 2.6 step 5 would have refused: one with neither. An
 * app that filters by whichever of the two is there would find everybody. No token names another app as its audience either: it is
 * signed by us, and whoever gets it could pass it on.
 */
import type { App } from '../apps/app.ts'
import { hourMs, minuteMs, secondMs } from '../kernel/clock.ts'
import { signedByAnotherKey, signedWithPublicKey, unsigned } from '../keys/forged-jwt.ts'
import { signJwt } from '../keys/sign-jwt.ts'
import { type LogoutTokenDeps, logoutClaims, logoutTokenHeader } from './logout-token.ts'

/** What the specification lets an app answer. */
export type Due =
  /** Section 2.8: 200, and 204 which frameworks make of it. */
  | 'accept'
  /** Section 2.8: 400. */
  | 'refuse'
  /** It may accept it, or harms nobody if it does, and would do better not to. */
  | 'better-refuse'
  /** It may refuse it, and would do better not to. */
  | 'better-accept'

export interface CheckCase {
  readonly id: string
  readonly title: string
  readonly clause: string
  readonly due: Due
  /** What it means when the app does otherwise. */
  readonly otherwise: string
  /** The body of the request. */
  form(): string | Promise<string>
}

/** What a tolerant clock allows is minutes. */
const longAgoSeconds = hourMs / secondMs
const lifetimeSeconds = (2 * minuteMs) / secondMs
/** RFC 2606 section 2: nobody's. */
const anotherIssuer = 'https://another-issuer.invalid'

/** The cases in the order in which they are tried. The first one decides what the others can tell. */
export function checkCases(
  deps: Pick<LogoutTokenDeps, 'issuer' | 'keys' | 'clock' | 'random'>,
  app: App,
): readonly [CheckCase, ...CheckCase[]] {
  const key = deps.keys.signing(app.oidc.metadata.id_token_signed_response_alg)
  const nobody = `gatehouse-check-${deps.random.bytes(16).toString('hex')}`
  const claims = () => logoutClaims(deps, app, { sub: nobody, sid: nobody })
  const form = (token: string): string => `logout_token=${token}`
  const signed = (payload: Readonly<Record<string, unknown>>): string =>
    form(signJwt(logoutTokenHeader, payload, key))
  // Made once: the second case shows it again.
  const good = signed({ ...claims() })

  return [
    {
      id: 'good',
      title: 'a good token, for a session that does not exist',
      clause: 'sections 2.7 and 2.8',
      due: 'accept',
      otherwise:
        'A person who is signed out already counts as signed out. Is the address right, does the app know this issuer and client id, and can it fetch our keys?',
      form: () => good,
    },
    {
      id: 'repeated-jti',
      title: 'the same good token again',
      clause: 'section 2.6, step 8 (optional)',
      due: 'better-refuse',
      otherwise:
        'The app does not remember jti. Allowed: whoever got hold of a logout token could show it again while it is valid.',
      form: () => good,
    },
    {
      id: 'unknown-sid',
      title: 'a good token with sid alone, for a session that does not exist',
      clause: 'sections 2.4 and 2.7',
      due: 'better-accept',
      otherwise:
        'Section 2.6 lets an app refuse a sid it does not know, or one without sub. We always send both; a session that it has forgotten would be shown as refused.',
      form: () => {
        const { sub: _, ...withoutSub } = claims()
        return signed(withoutSub)
      },
    },
    {
      id: 'bad-signature',
      title: 'signed by a key that is not ours, under the name of our key',
      clause: 'section 2.6, step 2',
      due: 'refuse',
      otherwise: 'The app does not verify signatures: anybody can sign people out of it.',
      form: async () => form(await signedByAnotherKey(logoutTokenHeader, { ...claims() }, key)),
    },
    {
      id: 'alg-none',
      title: 'with alg none, not signed at all',
      clause: 'section 2.6, step 3',
      due: 'refuse',
      otherwise: 'The app takes tokens that nobody signed: anybody can sign people out of it.',
      form: () => form(unsigned(logoutTokenHeader, { ...claims() })),
    },
    {
      id: 'alg-confusion',
      title: 'signed with HS256, our public key as its secret',
      clause: 'section 2.6, step 3',
      due: 'refuse',
      otherwise: 'The app lets the token choose the algorithm: anybody can sign people out of it.',
      form: () => form(signedWithPublicKey(logoutTokenHeader, { ...claims() }, key)),
    },
    {
      id: 'wrong-iss',
      title: 'of another issuer',
      clause: 'section 2.6, step 4',
      due: 'refuse',
      otherwise: 'The app does not compare iss: another provider that it trusts could end sessions of ours.',
      form: () => signed({ ...claims(), iss: anotherIssuer }),
    },
    {
      id: 'wrong-aud',
      title: 'for another app',
      clause: 'section 2.6, step 4',
      due: 'refuse',
      otherwise: 'The app does not compare aud: whoever runs another app can pass its logout tokens on.',
      form: () => signed({ ...claims(), aud: nobody }),
    },
    {
      id: 'expired',
      title: 'expired an hour ago',
      clause: 'section 2.6, step 4',
      due: 'refuse',
      otherwise: 'The app does not look at exp: a logout token works for ever.',
      form: () => {
        const { iat } = claims()
        const then = iat - longAgoSeconds
        return signed({ ...claims(), iat: then - lifetimeSeconds, exp: then })
      },
    },
    {
      id: 'missing-exp',
      title: 'without exp',
      clause: 'sections 2.4 and 2.6, step 4',
      // Drafts of the specification had no exp, and what is built on them is in wide use. Only we could make such a token.
      due: 'better-refuse',
      otherwise:
        'The app does not ask for exp, as drafts of the specification did not. Only we could make such a token, and we never do.',
      form: () => {
        const { exp: _, ...withoutExp } = claims()
        return signed(withoutExp)
      },
    },
    {
      id: 'future-iat',
      title: 'issued in an hour',
      clause: 'section 2.6, step 4 (optional: Core 3.1.3.7, step 10)',
      due: 'better-refuse',
      otherwise: 'The app does not look at iat. Allowed.',
      form: () => {
        const { iat } = claims()
        const later = iat + longAgoSeconds
        return signed({ ...claims(), iat: later, exp: later + lifetimeSeconds })
      },
    },
    {
      id: 'missing-events',
      title: 'without events',
      clause: 'section 2.6, step 6',
      due: 'refuse',
      otherwise: 'The app does not ask for events: any other token of ours would do.',
      form: () => {
        const { events: _, ...withoutEvents } = claims()
        return signed(withoutEvents)
      },
    },
    {
      id: 'other-event',
      title: 'with another event in events',
      clause: 'section 2.6, step 6',
      due: 'refuse',
      otherwise: 'The app does not look which event it is: any security event token of ours would do.',
      form: () => signed({ ...claims(), events: { 'urn:gatehouse:event:check': {} } }),
    },
    {
      id: 'with-nonce',
      title: 'with a nonce',
      clause: 'section 2.6, step 7',
      due: 'refuse',
      otherwise: 'The app does not refuse nonce, which tells an ID token from a logout token.',
      form: () => signed({ ...claims(), nonce: nobody }),
    },
    {
      id: 'no-token',
      title: 'a request without a token',
      clause: 'sections 2.5 and 2.8',
      due: 'refuse',
      otherwise: 'The app does not notice that there is no token.',
      form: () => '',
    },
  ]
}
