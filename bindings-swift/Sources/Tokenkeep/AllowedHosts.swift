// Where a token may go.

import Foundation
internal import TokenkeepNative

/// The hosts that a token may be sent to. `graph.microsoft.com` is that host; `*.sharepoint.com` is any host under it;
/// `127.0.0.1:8080` names the port too, which is else the scheme's own.
public final class AllowedHosts: Sendable {
    private let native: TokenkeepNative.AllowedHosts

    /// - Throws: `configInvalid` for what is no host, for a whole URL among them, and for none at all.
    public init(_ hosts: [String]) throws {
        native = try unlessFailed { try .parse(hosts: hosts) }
    }

    /// Whether a request with the token may be sent there: by https, or by http to this machine.
    public func allow(_ url: URL) -> Bool {
        native.allow(scheme: url.lowercasedScheme, host: url.host ?? "", port: url.namedPort)
    }

    /// - Throws: `configInvalid` where it may not.
    public func require(_ url: URL) throws {
        try unlessFailed {
            try native.require(scheme: url.lowercasedScheme, host: url.host ?? "", port: url.namedPort)
        }
    }
}

extension URL {
    /// As RFC 3986 3.1 compares it; Foundation has it as it was written.
    fileprivate var lowercasedScheme: String { scheme?.lowercased() ?? "" }

    /// Nil where the scheme's own counts. A number that is no port becomes 0, which is none either.
    fileprivate var namedPort: UInt16? {
        port.map { UInt16(exactly: $0) ?? 0 }
    }
}
