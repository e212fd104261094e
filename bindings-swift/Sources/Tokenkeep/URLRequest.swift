// Requests with a connection's token.
//
// May not enter: a decision about a token, a refusal or a host. Those are the core's.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

extension URLRequest {
    /// Puts the token into the `Authorization` header (RFC 6750 2.1). Where the request goes is the caller's affair.
    public mutating func authorize(with token: AccessToken) {
        setValue(token.authorizationHeader, forHTTPHeaderField: "Authorization")
    }
}
