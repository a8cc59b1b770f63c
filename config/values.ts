import { z } from 'zod'
import { durationPattern } from './duration.ts'
import { withHint } from './hints.ts'
import { isHostAndPort, isLoopbackHost, parseNetwork } from './networks.ts'

/** The kinds of values that settings are made of, each with the words that say what is expected. */

export const duration = withHint(z.string().regex(durationPattern), {
  expected: 'a duration such as 90s, 15m, 12h or 30d (at least 1s)',
})

export const port = withHint(z.int().min(0).max(65_535), {
  expected: 'a port from 0 (any free one) to 65535',
})

export const host = withHint(z.string().regex(/^(\[?[0-9A-Fa-f:.]+\]?|[A-Za-z0-9]([A-Za-z0-9.-]{0,252}))$/), {
  expected: 'a host name or an IP address',
})

export const network = withHint(
  z.string().refine((text) => parseNetwork(text) !== undefined),
  { expected: 'a network such as 10.0.0.0/8, or one IP address' },
)

export const egressTarget = withHint(
  z.string().refine((text) => parseNetwork(text) !== undefined || isHostAndPort(text)),
  { expected: 'a network such as 10.0.0.0/8, or host:port' },
)

/** Operators choose these; they appear in URLs, tokens and logs. */
export const chosenId = withHint(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), {
  expected: '1 to 64 of A-Z a-z 0-9 . _ - starting with a letter or digit',
})

export const group = withHint(z.string().regex(/^[^\s,](?:[^,\p{C}]{0,62}[^\s,])?$/u), {
  expected: 'a group name of 1 to 64 characters without commas',
})

/** The two joiners are format characters that names in Persian, Hindi and many other languages are spelled with. */
const nameOfOneLine = /^(?=.*[\p{L}\p{N}\p{P}\p{S}])(?:[^\p{C}]|[\u200C\u200D]){1,100}$/u

export const displayName = withHint(z.string().regex(nameOfOneLine), {
  expected: 'a name of 1 to 100 characters',
})

export const email = withHint(z.email().max(254), { expected: 'an e-mail address' })

export const path = withHint(z.string().min(1).max(4_096), { expected: 'a path', path: true })

export const origin = withHint(
  z
    .string()
    .max(300)
    .refine((text) => isIssuerOrigin(text)),
  {
    expected:
      'an origin such as https://login.example.com: https (http only on loopback), no path, no trailing slash',
  },
)

/** Only the canonical spelling: tokens, cookies and passkeys compare it byte by byte. */
function isIssuerOrigin(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.origin !== text) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}

/** An address of the web; whether plain http will do is for the checks, which know the network. */
export const webAddress = withHint(
  z
    .string()
    .max(2_048)
    .refine((text) => isWebAddress(URL.parse(text))),
  { expected: 'an absolute http or https address without user name, password and fragment' },
)

function isWebAddress(url: URL | null): boolean {
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false
  return url.username === '' && url.password === '' && !url.href.includes('#')
}

/** Native apps have schemes of their own (RFC 8252 section 7.1); a fragment is never allowed (RFC 6749 section 3.1.2). */
export const redirectAddress = withHint(
  z
    .string()
    .max(2_048)
    .refine((text) => URL.canParse(text) && !text.includes('#') && !text.includes('*')),
  { expected: 'an absolute address without fragment and wildcard' },
)

/** A value that is never shown; its key has a twin `<key>_file` that names a file to read it from. */
export function secret(schema: z.ZodString, expected: string): z.ZodString {
  return withHint(schema, { expected, secret: true })
}

/** The `<key>_file` twin of a secret. The loader reads the file and puts its text under `key`. */
export function secretFile(key: string): z.ZodOptional<z.ZodString> {
  return path.describe(`A file that holds ${key}, instead of writing it here.`).optional()
}
