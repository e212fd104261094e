// Tokens that are bound to a key (RFC 9449): the key of one login, its proofs, the nonces that servers want in them,
// and what comes when a server takes the binding away.

import Foundation
import Support
import Testing
import Tokenkeep

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Acme, whose server binds tokens to the key of a proof.
private func acme(nonce: Value = "off", _ test: (Stage) async throws -> Void) async throws {
    try await Stage.acme { stage in
        try await stage.change(["dpop": ["mode": "on", "nonce": nonce]])
        try await test(stage)
    }
}

/// The resource's answer to a token with this proof.
private func resource(_ stage: Stage, _ authorization: String, _ proof: String) async throws -> Response {
    let headers = ["Authorization": authorization, "DPoP": proof]
    return try await Http.get(address(stage.resourceURL), headers: headers)
}

/// The keys of the requests, each of which has a proof.
private func thumbprints(_ entries: [Value]) throws -> Set<String> {
    Set(try entries.map { try #require($0["proof"]["thumbprint"].string) })
}

/// What the requests' proofs said of a nonce.
private func withNonce(_ entries: [Value]) -> [Bool?] {
    entries.map { $0["proof"]["nonce"].bool }
}

/// An answer of the token endpoint.
private func reply(_ status: Value, _ body: Value, _ headers: [Value] = []) throws -> Value {
    let all = Value.list([["content-type", "application/json"]] + headers)
    return ["type": "reply", "status": status, "headers": all, "body": .text(try body.json)]
}

@Test func tokens_are_bound_to_a_key() async throws {
    try await acme { stage in
        let broker = try stage.broker()
        let url = try address(stage.resourceURL)
        func proof(_ method: String = "GET", at: URL? = nil, of accessToken: String? = nil) async throws -> String {
            try await broker.dpopProof("acme", method: method, url: at ?? url, accessToken: accessToken)
        }
        let plain = try await stage.login { $0.connection = "plain" }
        #expect(!plain.dpop)
        let unproven = try #require(try await stage.entries("token").last)
        #expect(!unproven["proof"].exists, "nobody asked for it")
        let unbound = try await fails(.unsupported) {
            try await broker.dpopProof("acme", method: "GET", url: url, connection: "plain")
        }
        #expect(unbound.help.contains("--dpop"), "\(unbound)")

        // One key from the authorization request to the refresh, and a proof of its own for each.
        #expect(try await stage.login { $0.dpop = true }.dpop)
        let first = try await stage.accessToken()
        let token = try await stage.token(forceRefresh: true)
        #expect(token.secret != first)
        let redeemed = try await stage.asked("authorization_code").dropFirst()
        let keys = try thumbprints(redeemed + (try await stage.refreshes()))
        #expect(keys.count == 1)
        let entries = try await stage.entries()
        let authorized = entries.compactMap { $0["parameters"]["dpop_jkt"].string }
        #expect(authorized == Array(keys), "the code was bound to it, too")
        let ids = entries.compactMap { $0["proof"]["id"].string }
        #expect(ids.count > 1 && Set(ids).count == ids.count, "\(ids)")

        // The token is of use with a proof for its request, and in no other way.
        let line = token.authorizationHeader
        #expect(token.tokenType == "DPoP" && token.headerName == "Authorization" && line == "DPoP \(token.secret)")
        let page = try address("\(url)?page=2#top")
        #expect(try await resource(stage, line, proof(at: page)).status == 200)
        let spent = try await proof()
        #expect(try await resource(stage, line, spent).status == 200)
        #expect(try await resource(stage, line, proof(of: token.secret)).status == 200)
        let useless = [
            (line, spent), (line, try await proof(at: address("\(url)/other"))), (line, try await proof("POST")),
            (line, try await proof(of: first)), ("Bearer \(token.secret)", try await proof()),
        ]
        for (number, (authorization, dpop)) in useless.enumerated() {
            #expect(try await resource(stage, authorization, dpop).status == 401, "\(number)")
        }
        #expect(try await stage.resource(token.secret) == 401, "a stolen token")
        // A request of Foundation takes both, and a proof of its own each time.
        var request = URLRequest(url: url)
        for _ in 1...2 {
            try await request.authorize(with: token, provenBy: broker)
            #expect(try await Http.get(url, headers: request.allHTTPHeaderFields ?? [:]).status == 200)
        }
        try await fails(.unsupported) { try token.bearer() }
        try await fails(.unsupported) { try token.sasl(.xoauth2, user: "me@example.com") }

        // Each login has a key of its own, and a login again asks for one again.
        #expect(try await stage.login().dpop)
        let again = try thumbprints(Array(try await stage.asked("authorization_code").dropFirst(2)))
        #expect(again.count == 1 && again.isDisjoint(with: keys))
        // It goes by any flow, and a logout needs no proof.
        try await stage.change(["device_interval": 1, "device_approve_after": 0])
        try await stage.login(interaction: Interaction(showDeviceAuthorization: { _ in })) {
            $0.flow = .deviceCode
            $0.dpop = true
        }
        let polled = try await stage.asked("urn:ietf:params:oauth:grant-type:device_code")
        #expect(try thumbprints(polled).count == 1)
        #expect(try await stage.logout().revocation == .revoked)
    }

    // A server that says that it takes other proofs alone is believed before anybody is asked.
    try await Stage.oidc { stage in
        try await stage.change(["metadata": ["set": ["dpop_signing_alg_values_supported": ["RS256"]]]])
        try await fails(.unsupported) { try await stage.login { $0.dpop = true } }
        #expect(try await stage.entries("authorize").isEmpty)
    }
    // A resource that takes bound tokens alone need not be told of.
    try await Stage.mcp { stage in
        try await stage.change(["protected_resource": ["dpop_bound": true]])
        #expect(try await stage.login().dpop)
    }
}

@Test func dpop_nonce_is_answered_once() async throws {
    try await acme(nonce: "once") { stage in
        try await stage.login { $0.dpop = true }
        let redeemed = try await stage.asked("authorization_code")
        #expect(withNonce(redeemed) == [false, true])
        let codes = redeemed.map { $0["parameters"]["code"] }
        #expect(codes.first == codes.last && codes.allSatisfy(\.exists), "it was not used by the first")
        #expect(redeemed.first?["outcome"]["error"] == "use_dpop_nonce")
        // A program that has just come knows no nonce, and one that lives on has the last one.
        let broker = try stage.broker()
        var token = try await broker.token("acme", forceRefresh: true)
        for _ in 1...2 { token = try await broker.token("acme", forceRefresh: true) }
        #expect(withNonce(try await stage.refreshes()) == [false, true, true, true])
        #expect(try await stage.journal()["reuse_count"] == 0)

        // The resource wants one too: the same token goes with another proof.
        let url = try address(stage.resourceURL)
        try await stage.server.control("POST", "forget-nonces")
        var request = URLRequest(url: url)
        try await request.authorize(with: token, provenBy: broker)
        let refused = try await Http.get(url, headers: request.allHTTPHeaderFields ?? [:])
        #expect(refused.status == 401)
        let challenge = try #require(refused.header("WWW-Authenticate"))
        let same = try await broker.tokenAfterRefusal("acme", refused: token.secret, wwwAuthenticate: [challenge])
        #expect(same == token)
        #expect(try await stage.refreshes().count == 4, "nothing was refreshed for it")
        let nonce = try #require(refused.header("DPoP-Nonce"))
        try await request.authorize(with: token, provenBy: broker, nonce: nonce)
        #expect(try await Http.get(url, headers: request.allHTTPHeaderFields ?? [:]).status == 200)

        // A server whose nonce is never right is asked twice, and ends nothing.
        let never = try reply(400, ["error": "use_dpop_nonce"], [["dpop-nonce", "never"]])
        try await stage.atRefresh(never, times: 2)
        let refreshes = try await stage.refreshes().count
        try await fails(.providerRejected) { try await stage.token(forceRefresh: true) }
        #expect(try await stage.refreshes().count == refreshes + 2)
        #expect(try await stage.connection().status == .connected)
        _ = try await stage.token(forceRefresh: true)
        // Any other answer to a code is the last one.
        try await stage.atRedemption(["type": "error", "error": "invalid_grant"])
        try await fails(.loginRequired) { try await stage.login { $0.dpop = true } }
        #expect(try await stage.asked("authorization_code").count == redeemed.count + 1)
    }
}

@Test func bearer_in_the_place_of_a_bound_token_is_refused() async throws {
    try await acme { stage in
        try await stage.change(["dpop": ["mode": "ignored"]])
        let refused = try await fails(.providerRejected) { try await stage.login { $0.dpop = true } }
        #expect(refused.help.contains("DPoP"), "\(refused)")
        #expect(try stage.records().isEmpty, "nothing was kept")
        #expect(try await stage.asked("authorization_code").count == 1)

        try await stage.change(["dpop": ["mode": "on"]])
        try await stage.login { $0.dpop = true }
        let bound = try await stage.accessToken()
        // The server has rotated all the same: what it gave is what it takes.
        try await stage.atRefresh(["type": "mutate", "set": ["token_type": "Bearer"]])
        try await fails(.providerRejected) { try await stage.token(forceRefresh: true) }
        #expect(try await stage.accessToken() == bound, "what is bound goes on")
        #expect(try await stage.accessToken(forceRefresh: true) != bound)
        #expect(try await stage.refreshes().count == 2)
        #expect(try await stage.journal()["reuse_count"] == 0)
    }

    // Nor is a token that wants a proof taken by who has no key.
    try await acme { stage in
        try await stage.atRedemption(reply(200, ["access_token": "a", "token_type": "DPoP", "expires_in": 60]))
        try await fails(.providerRejected) { try await stage.login() }
        #expect(try stage.records().isEmpty)
    }
}
