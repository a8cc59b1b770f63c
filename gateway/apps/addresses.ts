import type { ApplicationType } from './client-metadata.ts'

/** Longer addresses do not fit where browsers and servers take them. */
export const maxAddressLength = 2_048

/** Says whether plain http may be used there: on loopback, or where `egress.allow` says so (DECISIONS 43). */
export type AllowsPlainHttp = (url: URL) => boolean

/**
 * A host as a parsed URL has it. Parsers let more through, such as `a;b` and `a,b`: no name is spelled so, and in the policy of a page
 * that names the address, it would be a directive of its own or the end of the policy.
 */
const plainHost = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/

/**
 * What is wrong with an address that a browser is sent to with a code or after a sign-out; undefined when nothing is.
 * RFC 6749 section 3.1.2, RFC 8252 section 7, OpenID Connect Registration 1.0 section 2.
 */
export function redirectProblem(
  address: string,
  type: ApplicationType,
  allowsPlainHttp: AllowsPlainHttp,
): string | undefined {
  const url = parse(address)
  if (typeof url === 'string') return url
  // Compared byte by byte with what an app sends, so a wildcard would match nothing, or one day too much.
  if (address.includes('*')) return 'must not hold a wildcard'
  if (url.protocol === 'https:' || url.protocol === 'http:') return plainHttpProblem(url, allowsPlainHttp)
  if (type !== 'native') return 'must be https (a scheme of its own is for native apps)'
  // A reverse domain name, which the developer owns; it also keeps out javascript:, data:, vbscript: and file: (N-036).
  return url.protocol.includes('.') ? undefined : 'must be https, or a scheme like com.example.app'
}

/** What is wrong with an address that the gateway itself calls. */
export function calledAddressProblem(address: string, allowsPlainHttp: AllowsPlainHttp): string | undefined {
  return webAddressProblem(address) ?? plainHttpProblem(new URL(address), allowsPlainHttp)
}

/** What is wrong with an address that is shown as a link. */
export function webAddressProblem(address: string): string | undefined {
  const url = parse(address)
  if (typeof url === 'string') return url
  return url.protocol === 'https:' || url.protocol === 'http:' ? undefined : 'must be http or https'
}

function parse(address: string): URL | string {
  if (address.length > maxAddressLength) return `must be at most ${maxAddressLength} characters`
  // URL parsers drop or rewrite these; what is compared later must be what was registered.
  if (/[\s\\\p{C}]/u.test(address)) return 'must not hold spaces, backslashes or control characters'
  const url = URL.parse(address)
  if (url === null) return 'must be an absolute address'
  if (address.includes('#')) return 'must not have a fragment'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
  if (isWeb && !plainHost.test(url.hostname)) return 'must have a host of letters, digits, dots and hyphens'
  return url
}

function plainHttpProblem(url: URL, allowsPlainHttp: AllowsPlainHttp): string | undefined {
  return url.protocol === 'https:' || allowsPlainHttp(url)
    ? undefined
    : 'must be https (http only on loopback or where egress.allow names it)'
}
