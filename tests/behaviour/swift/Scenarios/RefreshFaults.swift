// A refresh that goes wrong: what ends a login, what does not, and what is still handed out.

import Foundation
import Support
import Testing
import Tokenkeep

/// A stage whose token has expired, and whose next refresh meets `action`.
private func atRefresh(
    _ action: Value, rotation: Value = "reuse-detection", test: (Stage) async throws -> Void
) async throws {
    try await Stage.acme { stage in
        try await stage.change(["rotation": rotation])
        try await stage.loginExpired()
        try await stage.atRefresh(action)
        try await test(stage)
    }
}

@Test func grant_revoked_is_login_required() async throws {
    try await Stage.acme(test: isTheEnd)
    try await Stage.microsoft(test: isTheEnd)
}

private func isTheEnd(_ stage: Stage) async throws {
    try await stage.loginExpired { $0.connection = "work" }
    try await stage.revokeAll()
    for time in 0..<2 {
        let error = try await fails(.loginRequired) { try await stage.token(connection: "work") }
        #expect(error.reason == .grantEnded)
        #expect(error.help.contains("`tokenkeep login \(stage.provider) --connection work`"), "\(error.help)")
        if time == 0 { #expect(error.server?.error == "invalid_grant") }
    }
    let cached = try stage.broker().cachedToken(stage.provider, connection: "work")
    #expect(cached == nil, "nothing is left to hand out")
    #expect(try await stage.refreshes().count == 1, "a grant that has ended is not asked for again")
    // The record is kept: the login can be repeated as it was.
    let ended = try await stage.connection("work")
    #expect(ended.status == .loginRequired)
    #expect(ended.loginRequired == .grantEnded)
    #expect(!ended.requestedScopes.isEmpty)
    let again = try await stage.login { $0.connection = "work" }
    #expect(again.status == .connected)
    #expect(again.loginRequired == nil)
    #expect(try await stage.resource(stage.accessToken(connection: "work")) == 200)
}

@Test func lost_response_is_recovered_on_entra() async throws {
    try await Stage.microsoft { entra in
        try await entra.loginExpired()
        try await entra.atRefresh(["type": "drop_after"])
        #expect(try await entra.resource(entra.accessToken()) == 200)
        let sent = try await entra.refreshes().compactMap { $0["parameters"]["refresh_token"].string }
        try #require(sent.count == 2)
        #expect(sent[0] == sent[1])
        _ = try await entra.accessToken(forceRefresh: true)

        // Lost twice, and found by the next process: the marker in the record tells it.
        try await entra.loginExpired()
        try await entra.atRefresh(["type": "drop_after"], times: 2)
        try await fails(.network) { try await entra.token() }
        #expect(try await entra.connection().status == .connected)
        let next = try await Elsewhere(entra)
        #expect(try await entra.resource(next.accessToken("microsoft")) == 200)
    }
    // A server with a grace period gives the same pair again.
    try await atRefresh(["type": "drop_after"], rotation: "grace:30") { grace in
        #expect(try await grace.resource(grace.accessToken()) == 200)
        _ = try await grace.accessToken(forceRefresh: true)
    }
}

@Test func lost_response_on_a_strict_server_is_login_required() async throws {
    try await atRefresh(["type": "drop_after"]) { stage in
        let error = try await fails(.loginRequired) { try await stage.token() }
        #expect(error.reason == .responseLost)
        #expect(error.message.contains("lost"), "\(error.message)")
        #expect(try await stage.refreshes().count == 2)
        #expect(try await stage.connection().loginRequired == .responseLost)
        try await stage.login()
        #expect(try await stage.resource(stage.accessToken()) == 200)
    }
    // Lost before the server acted is not lost at all.
    try await atRefresh(["type": "drop_before"]) { stage in
        let token = try await stage.accessToken()
        #expect(try await stage.resource(token) == 200)
        #expect(try await stage.journal()["reuse_count"] == 0)
    }
}

@Test func a_rotation_in_an_answer_of_no_use_is_not_lost() async throws {
    let changes: [Value] = [
        ["type": "mutate", "set": ["expires_in": "soon"]],
        ["type": "mutate", "remove": ["access_token"]],
        ["type": "mutate", "set": ["token_type": "mac"]],
    ]
    try await Stage.acme { stage in
        for change in changes {
            try await stage.loginExpired()
            try await stage.atRefresh(change)
            try await fails(.providerRejected) { try await stage.token() }
            #expect(try await stage.connection().status == .connected, "\(change)")
            // What it held is sent next: on this server the one before would end the login.
            #expect(try await stage.resource(stage.accessToken()) == 200, "\(change)")
        }
        #expect(try await stage.journal()["reuse_count"] == 0)
    }
}

@Test func server_errors_serve_the_valid_token() async throws {
    let troubles: [(name: String, times: Int, trouble: Value)] = [
        ("busy", 1, ["type": "error", "status": 503, "error": "temporarily_unavailable"]),
        // Who fails is not believed on the end of a grant.
        ("lies", 1, ["type": "error", "status": 503, "error": "invalid_grant"]),
        ("html", 1, ["type": "reply", "status": 200, "body": "<html>canary</html>"]),
        ("drop", 2, ["type": "drop_before"]),
    ]
    try await Stage.acme { stage in
        for (name, times, trouble) in troubles {
            try await stage.login { $0.connection = name }
            let token = try await stage.accessToken(connection: name)
            try await stage.atRefresh(trouble, times: times)
            #expect(try await stage.accessToken(connection: name, minLifetime: 7200) == token, "\(name)")
            #expect(try await stage.server.faultsAreSpent(), "\(name)")
            #expect(try await stage.connection(name).status == .connected, "\(name)")

            // With no token to go on with it is an error that may pass, and passes.
            let expired = "\(name)-expired"
            try await stage.loginExpired { $0.connection = expired }
            try await stage.atRefresh(trouble, times: times)
            try await fails(.network) { try await stage.token(connection: expired) }
            #expect(try await stage.connection(expired).status == .connected, "\(name)")
            #expect(try await stage.resource(stage.accessToken(connection: expired)) == 200, "\(name)")
        }
        #expect(try await stage.journal()["reuse_count"] == 0)
    }
}

@Test func the_same_refusal_is_not_asked_for_twice() async throws {
    let claims = #"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#
    let refusals: [(code: TokenkeepError.Code, refusal: Value)] = [
        (.interactionRequired, ["type": "error", "error": "invalid_grant", "claims": .text(claims)]),
        (.consentRequired, ["type": "error", "error": "invalid_grant", "suberror": "consent_required"]),
    ]
    try await Stage.microsoft { stage in
        for (code, refusal) in refusals {
            try await stage.loginExpired()
            let before = try await stage.refreshes().count
            try await stage.atRefresh(refusal)
            let first = try await fails(code) { try await stage.token() }
            #expect(first.help.contains("`tokenkeep login microsoft`"), "\(first.help)")
            // Whoever asks within the minute is told the same, and what to do about it.
            for forceRefresh in [false, true] {
                let again = try await fails(code) { try await stage.token(forceRefresh: forceRefresh) }
                #expect([again.message, again.help] == [first.message, first.help])
                #expect(again.claims == (code == .interactionRequired ? claims : nil))
            }
            let other = try await Elsewhere(stage)
            let elsewhere = try await failsElsewhere(code) { try await other.accessToken("microsoft") }
            #expect(elsewhere.message == first.message)
            #expect(try await stage.refreshes().count == before + 1, "\(code)")
            // The person has acted: nothing is left of it.
            try await stage.login()
            #expect(try await stage.resource(stage.accessToken(forceRefresh: true)) == 200)
        }

        // A client that was refused may be put right at once, and is asked for at once.
        try await stage.loginExpired()
        let before = try await stage.refreshes().count
        try await stage.atRefresh(["type": "error", "error": "invalid_client"], times: 2)
        for _ in 0..<2 {
            let error = try await fails(.providerRejected) { try await stage.token() }
            #expect(error.server?.error == "invalid_client")
        }
        #expect(try await stage.refreshes().count == before + 2)
    }
}

@Test func tokens_that_end_at_once_make_no_loop() async throws {
    for lifetime in [0, 1] {
        try await Stage.acme { stage in
            try await stage.loginExpired()
            try await stage.change(["access_token_lifetime": .number(Double(lifetime))])
            // What the server gives is handed out to whoever was there when it came.
            #expect(try await stage.accessToken() != "")
            try await until {
                do {
                    _ = try await stage.token()
                    return false
                } catch is TokenkeepError {
                    return true
                }
            }
            let calls: [(forceRefresh: Bool, minLifetime: TimeInterval?)] = [(false, nil), (true, nil), (false, 60)]
            for (forceRefresh, minLifetime) in calls {
                let error = try await fails(.throttled) {
                    try await stage.token(minLifetime: minLifetime, forceRefresh: forceRefresh)
                }
                #expect(error.message.contains("tokens that live \(lifetime) s"), "\(error.message)")
                let wait = try #require(error.retryAt).timeIntervalSinceNow
                #expect(wait > 0 && wait <= 31, "\(wait) s")
            }
            #expect(try await stage.refreshes().count == 1, "one request in thirty seconds")
            #expect(try await stage.connection().status == .connected)
            // Whoever runs the server has put it right, and a new login need not wait.
            try await stage.change(["access_token_lifetime": 3600])
            try await stage.login()
            #expect(try await stage.resource(stage.accessToken(forceRefresh: true)) == 200)
        }
    }
}
