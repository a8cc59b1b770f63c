/** Every way a request or a command can fail, in one place, so that no caller invents or compares message text. */
export type ErrorCode =
  | 'account_disabled'
  | 'account_exists'
  | 'account_file_owned'
  | 'account_not_found'
  | 'api_key_invalid'
  | 'api_key_not_found'
  | 'app_check_failed'
  | 'app_exists'
  | 'app_file_owned'
  | 'app_invalid'
  | 'app_not_found'
  | 'busy'
  | 'cancelled'
  | 'challenge_invalid'
  | 'configuration_invalid'
  | 'credential_exists'
  | 'credential_not_found'
  | 'cross_site_request'
  | 'csrf_token_invalid'
  | 'delivery_not_found'
  | 'egress_refused'
  | 'forbidden'
  | 'fresh_proof_needed'
  | 'input_invalid'
  | 'insufficient_scope'
  | 'internal'
  | 'key_not_found'
  | 'logout_not_found'
  | 'logout_unsettled'
  | 'media_type_unsupported'
  | 'method_not_allowed'
  | 'not_found'
  | 'page_expired'
  | 'password_wrong'
  | 'payload_too_large'
  | 'receipt_invalid'
  | 'session_ended'
  | 'session_not_found'
  | 'set_up_link_invalid'
  | 'sign_in_needed'
  | 'store_full'
  | 'store_unavailable'
  | 'throttled'
  | 'transaction_ended'

/** Whose move it is to make it right. */
export type Fault = 'caller' | 'app' | 'us'

const faults: Record<ErrorCode, { status: number; fault: Fault }> = {
  account_disabled: { status: 403, fault: 'caller' },
  account_exists: { status: 409, fault: 'caller' },
  account_file_owned: { status: 409, fault: 'caller' },
  account_not_found: { status: 404, fault: 'caller' },
  api_key_invalid: { status: 401, fault: 'caller' },
  api_key_not_found: { status: 404, fault: 'caller' },
  app_check_failed: { status: 502, fault: 'app' },
  app_exists: { status: 409, fault: 'caller' },
  app_file_owned: { status: 409, fault: 'caller' },
  app_invalid: { status: 400, fault: 'app' },
  app_not_found: { status: 404, fault: 'caller' },
  busy: { status: 503, fault: 'us' },
  cancelled: { status: 400, fault: 'caller' },
  challenge_invalid: { status: 400, fault: 'caller' },
  configuration_invalid: { status: 500, fault: 'us' },
  credential_exists: { status: 409, fault: 'caller' },
  credential_not_found: { status: 404, fault: 'caller' },
  cross_site_request: { status: 403, fault: 'caller' },
  csrf_token_invalid: { status: 403, fault: 'caller' },
  delivery_not_found: { status: 404, fault: 'caller' },
  egress_refused: { status: 502, fault: 'app' },
  forbidden: { status: 403, fault: 'caller' },
  fresh_proof_needed: { status: 403, fault: 'caller' },
  input_invalid: { status: 400, fault: 'caller' },
  insufficient_scope: { status: 403, fault: 'caller' },
  internal: { status: 500, fault: 'us' },
  key_not_found: { status: 404, fault: 'caller' },
  logout_not_found: { status: 404, fault: 'caller' },
  logout_unsettled: { status: 409, fault: 'caller' },
  media_type_unsupported: { status: 415, fault: 'caller' },
  method_not_allowed: { status: 405, fault: 'caller' },
  not_found: { status: 404, fault: 'caller' },
  page_expired: { status: 400, fault: 'caller' },
  password_wrong: { status: 403, fault: 'caller' },
  payload_too_large: { status: 413, fault: 'caller' },
  receipt_invalid: { status: 400, fault: 'caller' },
  session_ended: { status: 401, fault: 'caller' },
  session_not_found: { status: 404, fault: 'caller' },
  set_up_link_invalid: { status: 404, fault: 'caller' },
  sign_in_needed: { status: 401, fault: 'caller' },
  store_full: { status: 503, fault: 'us' },
  store_unavailable: { status: 503, fault: 'us' },
  throttled: { status: 429, fault: 'caller' },
  transaction_ended: { status: 500, fault: 'us' },
}

/** An app as a page may name it: both are of its registration, nothing of the request. */
export interface CameFrom {
  readonly name: string
  readonly href: string
}

/**
 * A failure with a closed code. `message` is safe to show to a person and never holds what an attacker sent;
 * `cause` is only logged.
 */
export class GatewayError extends Error {
  override name = 'GatewayError'
  readonly code: ErrorCode
  readonly status: number
  readonly fault: Fault
  /** Seconds after which trying again makes sense, for `busy`, `store_unavailable` and `throttled`. */
  readonly retryAfterSeconds: number | undefined
  /** More for a program that reads the answer (RFC 9457 section 3.2). As safe to show as the message. */
  readonly extension: Readonly<Record<string, string | number | boolean>> | undefined
  /** The app that a person came from and may go back to, at its registered address. */
  readonly cameFrom: CameFrom | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly cause?: unknown
      readonly retryAfterSeconds?: number
      readonly extension?: Readonly<Record<string, string | number | boolean>>
      readonly cameFrom?: CameFrom | undefined
    } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.status = faults[code].status
    this.fault = faults[code].fault
    this.retryAfterSeconds = options.retryAfterSeconds
    this.extension = options.extension
    this.cameFrom = options.cameFrom
  }
}
