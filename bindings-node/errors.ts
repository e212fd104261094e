// Why a call failed: the core's errors as exceptions of JavaScript.
//
// May not enter: a text. Whatever an exception says, the core has said it.

import { camelCased, date } from './values.js';

/** The stable codes: the same in every language, and never given a second meaning. */
export type ErrorCode =
  | 'config_invalid'
  | 'unknown_provider'
  | 'registration_missing'
  | 'not_connected'
  | 'login_required'
  | 'login_cancelled'
  | 'login_timed_out'
  | 'access_denied'
  | 'consent_required'
  | 'admin_consent_required'
  | 'interaction_required'
  | 'scope_not_granted'
  | 'provider_rejected'
  | 'network'
  | 'throttled'
  | 'store_locked'
  | 'store_unavailable'
  | 'store_corrupt'
  | 'lock_timeout'
  | 'unsupported'
  | 'internal';

/** What ended a grant. */
export type LoginReason = 'grant_ended' | 'no_refresh_token' | 'response_lost';

/** What the authorization server said, for people and for support requests. */
export interface ServerError {
  /** RFC 6749 5.2 `error`. */
  readonly error: string;
  /** RFC 6749 5.2 `error_description`, one line, shortened. */
  readonly description: string | null;
  /** Microsoft's finer division of `error`. */
  readonly suberror: string | null;
  /** Microsoft's numbers. For people: nothing branches on them. */
  readonly errorCodes: readonly number[];
  /** Microsoft's trace id, which its support asks for. */
  readonly traceId: string | null;
  /** Microsoft's correlation id, which its support asks for. */
  readonly correlationId: string | null;
}

/** @internal A failure, as the native half answers it. */
export interface Failure {
  code: ErrorCode;
  message: string;
  help: string;
  retryable: boolean;
  server: Record<string, unknown> | null;
  reason?: LoginReason;
  retry_at?: number | null;
  claims?: string | null;
}

/**
 * Why a call failed. Branch on `code`; `message` says what happened, `help` what to do about it.
 *
 * What is thrown for an argument of the wrong type, or by an `AbortSignal`, is none of these.
 */
export class TokenkeepError extends Error {
  /** The stable code. */
  readonly code: ErrorCode;
  /** What to do, and who must do it. May span lines when it shows steps. */
  readonly help: string;
  /** True when the same call may succeed later with nobody doing anything. */
  readonly retryable: boolean;
  /** What the authorization server said, if it was the one that refused. */
  declare readonly server?: ServerError;
  /** `login_required`: what ended the grant. */
  declare readonly reason?: LoginReason;
  /** `throttled`: when the next request may be sent; null when the server did not say. */
  declare readonly retryAt?: Date | null;
  /** `interaction_required`: the claims challenge to send with the next login, as the server gave it. */
  declare readonly claims?: string | null;

  private constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.code = failure.code;
    this.help = failure.help;
    this.retryable = failure.retryable;
    // What only some errors have is a member of those alone: an error is read by people.
    if (failure.server) this.server = camelCased(failure.server) as ServerError;
    if (failure.reason) this.reason = failure.reason;
    if (failure.claims !== undefined) this.claims = failure.claims;
    if (failure.retry_at !== undefined) this.retryAt = date(failure.retry_at);
  }

  /** @internal */
  static of(failure: Failure, options?: ErrorOptions): TokenkeepError {
    return new TokenkeepError(failure, options);
  }

  static {
    // On the prototype, as with the errors of the language: an own property would be shown among the fields.
    Object.defineProperty(this.prototype, 'name', { value: 'TokenkeepError', configurable: true, writable: true });
  }
}

/** @internal What was answered, unless it is a failure. */
export function unlessFailed<T>(answer: T | Failure, options?: ErrorOptions): T {
  if (typeof answer === 'object' && answer !== null && 'retryable' in answer) throw TokenkeepError.of(answer, options);
  return answer;
}
