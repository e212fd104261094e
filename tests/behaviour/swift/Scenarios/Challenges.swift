// An API that will not have the token: another one once, and with the claims that it demands.

import Foundation
import Support
import Testing
import Tokenkeep

/// A request to the API; the challenges of its 401, or nil.
private func ask(_ stage: Stage, _ token: String) async throws -> [String]? {
    let me = try address("\(stage.server.origin)/v1.0/me")
    let answer = try await Http.get(me, headers: ["Authorization": "Bearer \(token)"])
    if answer.status == 200 { return nil }
    #expect(answer.status == 401)
    return [try #require(answer.header("WWW-Authenticate"))]
}

@Test func refused_token_is_replaced_once() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let broker = try stage.broker()
        func afterRefusal(_ refused: String, _ challenges: [String] = []) async throws -> String? {
            try await broker.tokenAfterRefusal("acme", refused: refused, wwwAuthenticate: challenges)?.secret
        }
        let first = try await stage.accessToken()
        #expect(try await ask(stage, first) == nil)
        try await stage.server.control("POST", "expire")
        let challenges = try #require(try await ask(stage, first))

        // All who were refused it at once make one refresh.
        async let other = stage.accessToken(replaces: first)
        let replaced = try await together(5) {
            try await broker.tokenAfterRefusal("acme", refused: first, wwwAuthenticate: challenges)?.secret
        }
        let second = try await other
        #expect(second != first)
        #expect(replaced == Array(repeating: second, count: 5))
        #expect(try await ask(stage, second) == nil)
        // Whoever was refused the same one later takes what is there.
        #expect(try await afterRefusal(first) == second)
        #expect(try await stage.accessToken() == second)
        #expect(try await stage.refreshes().count == 1)
        // An API that refuses every token is not given a new one for each request.
        #expect(try await afterRefusal(second, challenges) == nil)
        // Wider scopes are a person's to grant.
        let wider = #"Bearer error="insufficient_scope", scope="admin""#
        #expect(try await afterRefusal(first, [wider]) == nil)
        // A nonce is for a proof, and no proof goes with these.
        #expect(try await afterRefusal(second, [#"DPoP error="use_dpop_nonce""#]) == nil)
        #expect(try await stage.refreshes().count == 1)
    }
}

@Test func claims_challenge_is_met_by_one_refresh() async throws {
    try await Stage.microsoft { stage in
        try await stage.login()
        let broker = try stage.broker()
        func afterRefusal(_ refused: String, _ challenges: [String]) async throws -> String? {
            try await broker.tokenAfterRefusal("microsoft", refused: refused, wwwAuthenticate: challenges)?.secret
        }
        func demand(_ claims: Value) async throws {
            try await stage.fault(["endpoint": "resource", "action": ["type": "challenge", "claims": claims]])
        }
        let claims: Value = ["access_token": ["nbf": ["essential": true, "value": "1700000000"]]]
        try await demand(claims)
        let first = try await stage.accessToken()
        var challenges = try #require(try await ask(stage, first))
        let second = try #require(try await afterRefusal(first, challenges))
        #expect(try await ask(stage, second) == nil)
        let sent = try await stage.refreshes()
        #expect(sent.count == 1)
        #expect(try sent.first.map { try Value(json: $0["parameters"]["claims"].string) } == claims)
        // The same demand, from anybody: it is met.
        #expect(try await afterRefusal(first, challenges) == second)
        #expect(try await stage.accessToken(claims: claims.json) == second)
        #expect(try await stage.accessToken() == second)
        #expect(try await stage.refreshes().count == 1)

        // Another demand is another question; what only the person can meet is told, with what to log in for.
        let stepUp: Value = ["access_token": ["acrs": ["essential": true, "value": "c1"]]]
        try await demand(stepUp)
        challenges = try #require(try await ask(stage, second))
        let refusal: Value = ["type": "error", "error": "interaction_required", "claims": .text(try stepUp.json)]
        try await stage.atRefresh(refusal)
        let error = try await fails(.interactionRequired) { try await afterRefusal(second, challenges) }
        #expect(try Value(json: error.claims) == stepUp)
        #expect(error.server?.error == "interaction_required")
        // It is nobody's trouble but of those who ask for the same.
        #expect(try await stage.accessToken() == second)
        let again = try await fails(.interactionRequired) { try await stage.token(claims: stepUp.json) }
        #expect(try Value(json: again.claims) == stepUp)
        #expect(try await stage.refreshes().count == 2, "the same question is not asked twice")
        try await fails(.configInvalid) { try await stage.token(claims: "essential") }
    }
}
