/** What went wrong on the way out, in our words: engines and the system name the same failure in many ways. */
import type { EgressOutcome } from '#gateway/kernel/egress.ts'
import { AddressRefused } from './egress-connect.ts'

type Unreachable = Extract<EgressOutcome, { kind: 'unreachable' }>
type Reason = Unreachable['reason']

/** A URL that is never called, wherever it leads. */
export class InvalidTarget extends Error {
  override name = 'InvalidTarget'
}

const reasons: Readonly<Record<string, Reason>> = {
  ENOTFOUND: 'name-not-found',
  EAI_AGAIN: 'name-not-found',
  ENODATA: 'name-not-found',
  ECONNREFUSED: 'connect-failed',
  EHOSTUNREACH: 'connect-failed',
  ENETUNREACH: 'connect-failed',
  EADDRNOTAVAIL: 'connect-failed',
  EACCES: 'connect-failed',
  ETIMEDOUT: 'timeout',
  UND_ERR_ABORTED: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'too-large',
  CERT_HAS_EXPIRED: 'tls-failed',
  CERT_NOT_YET_VALID: 'tls-failed',
  CERT_REVOKED: 'tls-failed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls-failed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls-failed',
  UNABLE_TO_GET_ISSUER_CERT: 'tls-failed',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls-failed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls-failed',
  EPROTO: 'tls-failed',
}

/** The reason and, for the operator's log, the detail. An answer that broke off or made no sense is `broken`. */
export function reasonOf(error: unknown): Pick<Unreachable, 'reason' | 'detail'> {
  if (error instanceof AddressRefused || error instanceof InvalidTarget) {
    return { reason: 'address-refused', detail: error.message }
  }
  // Several addresses were tried: the first failure says as much as all of them.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  if (!(error instanceof Error)) return { reason: 'broken', detail: 'unknown' }
  const code = 'code' in error ? String(error.code) : ''
  const tls = code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_')
  return {
    reason: tls ? 'tls-failed' : (reasons[code] ?? 'broken'),
    detail: code === '' ? error.name : `${code} ${error.message}`,
  }
}
