// What a request to an API needs beside its token: where it may go, and a proof.
//
// May not enter: a check, a default. They are the core's.

import Foundation

extension Broker {
    /// The hosts that a connection's tokens may go to where the program names none: that of its resource, else those of
    /// the provider's API. No network.
    ///
    /// - Throws: `configInvalid` when neither is known; `notConnected`, `unknownProvider`, and those of the store.
    public func allowedHosts(
        _ provider: String, connection: String? = nil, resource: String? = nil
    ) async throws -> AllowedHosts {
        try AllowedHosts(await ask("allowed_hosts", Request(provider, connection, resource)))
    }

    /// The value of the `DPoP` header of one request (RFC 9449 7.1), for a token whose type is `DPoP`. No network.
    ///
    /// - Parameters:
    ///   - method: The method of the request: a proof is good for that request alone.
    ///   - url: The address of the request.
    ///   - accessToken: The token that the request carries; the one at hand when left out.
    ///   - nonce: The `DPoP-Nonce` header of the API's last answer; the last one that its origin gave when left out.
    /// - Throws: `unsupported` when the connection's tokens are bound to no key; `configInvalid` for what is no method and
    ///   no address; `notConnected`, and those of the store.
    public func dpopProof(
        _ provider: String,
        method: String,
        url: URL,
        connection: String? = nil,
        resource: String? = nil,
        accessToken: String? = nil,
        nonce: String? = nil
    ) async throws -> String {
        let request = Request(provider, connection, resource) {
            $0.method = method
            $0.url = url.absoluteString
            $0.accessToken = accessToken
            $0.nonce = nonce
        }
        return try await ask("dpop_proof", request)
    }
}
