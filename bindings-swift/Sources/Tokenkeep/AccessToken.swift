// An access token.

import Foundation
internal import TokenkeepNative

/// How a mail server is told the token.
public enum SASLMechanism: String, Sendable, Codable {
    /// `XOAUTH2`, which is Google's and Microsoft's.
    case xoauth2
    /// `OAUTHBEARER` (RFC 7628).
    case oauthbearer
}

/// An access token. It is opaque: what a server put into it is for the resource to read.
///
/// The text of it stays in memory that is wiped, until ``secret`` or ``authorizationHeader`` asks for it. Neither
/// `print` nor `dump` shows it, and it has no JSON.
public struct AccessToken: Sendable, Equatable {
    private let native: TokenkeepNative.AccessToken

    init(_ native: TokenkeepNative.AccessToken) {
        self.native = native
    }

    /// The provider that it is from.
    public var provider: String { native.provider() }

    /// The connection that it is from.
    public var connection: String { native.connection() }

    /// `Bearer` (RFC 6749 7.1); `DPoP` for a token that is bound to a key
    /// (``Broker/dpopProof(_:method:url:connection:resource:accessToken:nonce:)``).
    public var tokenType: String { native.tokenType() }

    /// When it ends; nil when it does not expire.
    public var expiresAt: Date? {
        native.expiresAt().map { Date(timeIntervalSince1970: TimeInterval($0)) }
    }

    /// What it grants.
    public var scopes: [String] { native.scopes() }

    /// The resource that it is for (RFC 8707), when the server tells resources apart.
    public var resource: String? { native.resource() }

    /// The token itself.
    public var secret: String { native.secret() }

    /// The name of the header that carries it: `Authorization`, but for some providers.
    public var headerName: String { native.headerName() }

    /// The value of that header (RFC 6750 2.1, RFC 9449 7.1).
    public var authorizationHeader: String { native.authorizationHeader() }

    /// The token itself, for a client that makes a bearer token of whatever it is given.
    ///
    /// - Throws: `unsupported` for one that is bound to a key, or that goes into another header.
    public func bearer() throws -> String {
        try unlessFailed { try native.bearer() }
    }

    /// The initial response of `mechanism` in base64, as IMAP, POP and SMTP take it after `AUTHENTICATE` or `AUTH`.
    ///
    /// - Parameter user: The mailbox.
    /// - Throws: `configInvalid` for a user that does not fit into it; and as ``bearer()``.
    public func sasl(_ mechanism: SASLMechanism, user: String) throws -> String {
        try unlessFailed { try native.sasl(mechanism: mechanism.rawValue, user: user) }
    }

    /// Whether both are the same token, in a time that does not depend on where they differ.
    public static func == (one: AccessToken, other: AccessToken) -> Bool {
        one.native.isSame(other: other.native)
    }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// All but the secret.
    public var description: String {
        let end = expiresAt.map { "\($0)" } ?? "never"
        return "AccessToken(provider: \(provider), connection: \(connection), expiresAt: \(end), scopes: \(scopes))"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror {
        Mirror(self, children: ["provider": provider, "connection": connection, "scopes": scopes])
    }
}
