// Why a call failed: the core's errors as errors of Swift.
//
// May not enter: a text. Whatever an error says, the core has said it.

import Foundation

/// Why a call failed. Branch on ``code``; ``message`` says what happened, ``help`` what to do about it.
public struct TokenkeepError: Error, Sendable {
    /// The stable codes: the same in every language, and never given a second meaning.
    public enum Code: String, Sendable, Codable, CaseIterable {
        case configInvalid = "config_invalid"
        case unknownProvider = "unknown_provider"
        case registrationMissing = "registration_missing"
        case notConnected = "not_connected"
        case loginRequired = "login_required"
        case loginCancelled = "login_cancelled"
        case loginTimedOut = "login_timed_out"
        case accessDenied = "access_denied"
        case consentRequired = "consent_required"
        case adminConsentRequired = "admin_consent_required"
        case interactionRequired = "interaction_required"
        case scopeNotGranted = "scope_not_granted"
        case providerRejected = "provider_rejected"
        case network
        case throttled
        case storeLocked = "store_locked"
        case storeUnavailable = "store_unavailable"
        case storeCorrupt = "store_corrupt"
        case lockTimeout = "lock_timeout"
        case unsupported
        case `internal`
    }

    /// The stable code.
    public let code: Code
    /// What happened, in one line.
    public let message: String
    /// What to do, and who must do it. May span lines when it shows steps.
    public let help: String
    /// True when the same call may succeed later with nobody doing anything.
    public let isRetryable: Bool
    /// What the authorization server said, if it was the one that refused.
    public let server: ServerError?
    /// `loginRequired`: what ended the grant.
    public let reason: LoginReason?
    /// `throttled`: when the next request may be sent; nil when the server did not say.
    public let retryAt: Date?
    /// `interactionRequired`: the claims challenge to send with the next login, as the server gave it.
    public let claims: String?
    /// `loginCancelled`: what a method of the ``Interaction`` threw.
    public internal(set) var underlyingError: (any Error)?
}

/// What ended a grant.
public enum LoginReason: String, Sendable, Codable {
    case grantEnded = "grant_ended"
    case noRefreshToken = "no_refresh_token"
    case responseLost = "response_lost"
}

/// What the authorization server said, for people and for support requests.
public struct ServerError: Sendable, Hashable, Codable {
    /// RFC 6749 5.2 `error`.
    public let error: String
    /// RFC 6749 5.2 `error_description`, one line, shortened.
    public let description: String?
    /// Microsoft's finer division of `error`.
    public let suberror: String?
    /// Microsoft's numbers. For people: nothing branches on them.
    public let errorCodes: [Int]
    /// Microsoft's trace id, which its support asks for.
    public let traceID: String?
    /// Microsoft's correlation id, which its support asks for.
    public let correlationID: String?
}

extension TokenkeepError: LocalizedError {
    /// What happened.
    public var errorDescription: String? { message }

    /// What to do.
    public var recoverySuggestion: String? { help }
}

extension TokenkeepError: CustomStringConvertible {
    /// Code, what happened, what to do.
    public var description: String { "\(code.rawValue): \(message)\n\(help)" }
}

extension TokenkeepError: Decodable {
    private enum CodingKeys: String, CodingKey {
        case code, message, help, server, reason, claims, retryAt
        case isRetryable = "retryable"
    }
}
