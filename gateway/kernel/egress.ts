/**
 * The only way out of the gateway. Implementations refuse special-use addresses at connect time unless the operator allows them,
 * follow no redirects, cap time and size, and never show the answer's body to whoever caused the call (DECISIONS 43).
 */
export interface Egress {
  send(request: EgressRequest): Promise<EgressOutcome>
}

export interface EgressRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whole attempt: name look-up, connect, TLS, request and answer. */
  readonly timeoutMs: number
  /** The answer's body is read up to here, then the connection is closed. */
  readonly maxBytes: number
  /** Requests with the same key share one bounded connection pool (one per app). */
  readonly poolKey: string
}

export type EgressOutcome =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      readonly durationMs: number
    }
  /** No answer: `reason` is one of ours and safe to show, `detail` is for the operator's log. */
  | {
      readonly kind: 'unreachable'
      readonly reason:
        | 'address-refused'
        | 'connect-failed'
        | 'name-not-found'
        | 'timeout'
        | 'tls-failed'
        | 'too-large'
        | 'broken'
      readonly detail: string
      readonly durationMs: number
    }
