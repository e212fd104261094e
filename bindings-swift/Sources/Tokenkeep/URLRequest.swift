// Requests with a connection's token.
//
// May not enter: a decision about a token, a refusal or a host. Those are the core's.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

extension URLRequest {
    /// Puts the token into its header (RFC 6750 2.1). Where the request goes is the caller's affair, and so is that a
    /// redirect takes no header along but `Authorization`.
    public mutating func authorize(with token: AccessToken) {
        setValue(token.authorizationHeader, forHTTPHeaderField: token.headerName)
    }

    /// The same, with the proof beside it of a token that is bound to a key (RFC 9449 7.1). A proof is good for one
    /// request: each has its own.
    ///
    /// An API that wants a nonce in it answers 401 with a `DPoP-Nonce` header. The request is then repeated, once, with
    /// the token of `tokenAfterRefusal` and that nonce.
    ///
    /// - Parameters:
    ///   - broker: The broker that the token is from.
    ///   - nonce: The `DPoP-Nonce` header of the API's last answer; the last one that its origin gave when left out.
    /// - Throws: As `dpopProof`.
    public mutating func authorize(with token: AccessToken, provenBy broker: Broker, nonce: String? = nil) async throws {
        authorize(with: token)
        setValue(nil, forHTTPHeaderField: "DPoP")
        if token.tokenType == "DPoP", let url {
            let proof = try await broker.dpopProof(
                token.provider, method: httpMethod ?? "GET", url: url, connection: token.connection,
                accessToken: token.secret, nonce: nonce)
            setValue(proof, forHTTPHeaderField: "DPoP")
        }
    }
}
