/**
 * Opens connections to addresses that were checked, and only to those: a name is looked up once, every address it has is checked,
 * and the connection goes to one of them. A second look-up, which an attacker's name server could answer differently, never happens.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import type { EgressPolicy, Target } from './egress-policy.ts'

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

/** The policy says no to where a name or address leads. */
export class AddressRefused extends Error {
  override name = 'AddressRefused'
}

/** A connection that no attempt waits for any more is given up after this. */
const connectTimeoutMs = 5_000

/** The system's own way (hosts file, name service switch), as every other program on the machine sees names. */
export const resolveBySystem: Resolve = (hostname) =>
  new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses)
      else reject(error)
    })
  })

/** One context for all connections: making it reads every root certificate, a third of what a handshake costs. */
export function secureContextOf(extraRoots: readonly string[] | undefined): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(extraRoots === undefined ? {} : { ca: [...getCACertificates('default'), ...extraRoots] }),
  })
}

/** A connector for one origin. */
export function guardedConnector(
  target: Target,
  policy: EgressPolicy,
  resolve: Resolve,
  secureContext: SecureContext,
): buildConnector.connector {
  const check = (address: string): void => {
    const refusal = policy.refusal(target, address)
    if (refusal !== undefined) throw new AddressRefused(refusal)
  }
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        try {
          for (const { address } of addresses) check(address)
          if (first === undefined) throw notFound(hostname)
        } catch (error) {
          callback(error as NodeJS.ErrnoException, '')
          return
        }
        if (options.all === true) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    )
  }
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    lookup,
    secureContext,
    rejectUnauthorized: true,
  })
  return (options, callback) => {
    // An address in the URL is connected to as it stands, without a look-up: it is checked here.
    if (isIP(target.hostname) !== 0) {
      try {
        check(target.hostname)
      } catch (error) {
        callback(error as AddressRefused, null)
        return
      }
    }
    connect(options, callback)
  }
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' })
}
