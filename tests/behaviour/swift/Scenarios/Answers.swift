// Answers that no server should give: each is read as far as it can be, or is a typed error in time.

import Foundation
import Support
import Testing
import Tokenkeep

/// How long any answer may keep anybody waiting.
private let atMost = Duration.seconds(31)

/// A good answer of nobody's: a token in it must not be seen anywhere.
private let canary = #"{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}"#

private func reply(_ status: Int, _ body: String) -> Value {
    let headers: Value = [["content-type", "application/json"]]
    return ["type": "reply", "status": .number(Double(status)), "body": .text(body), "headers": headers]
}

@Test func endless_and_slow_and_html_and_redirect_answers() async throws {
    let slow: Value = ["type": "slow_body", "interval_milliseconds": 1000, "body": .text(canary)]
    try await Stage.acme { stranger in
        let location: Value = .text("\(stranger.server.origin)/token")
        let html: Value = "<!doctype html><title>Sign in to this network</title><p>canary"
        let repeated = #"{"access_token":"canary-a","access_token":"canary-b","token_type":"Bearer"}"#
        let header = canary.replacingOccurrences(of: "canary-token", with: #"canary\r\nx: y"#)
        let cases: [(name: String, code: TokenkeepError.Code, action: Value)] = [
            ("endless", .network, ["type": "huge_body", "mebibytes": 4096]),
            ("slow", .network, slow),
            ("html", .network, ["type": "reply", "status": 200, "body": html]),
            ("302", .network, ["type": "redirect", "status": 302, "location": location]),
            ("307", .network, ["type": "redirect", "status": 307, "location": location]),
            ("repeated", .providerRejected, reply(200, repeated)),
            ("header", .providerRejected, reply(200, header)),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, code, action) in cases {
                group.addTask { try await refreshFails(name, code, action) }
            }
            group.addTask { try await loginFails(slow) }
            try await group.waitForAll()
        }
        #expect(try await stranger.entries().isEmpty, "a redirect is never followed")
    }
}

private func refreshFails(_ name: String, _ code: TokenkeepError.Code, _ action: Value) async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(action, times: 2)
        let begun = ContinuousClock.now
        try await fails(code) { try await stage.token() }
        let took = ContinuousClock.now - begun
        #expect(took <= atMost, "\(name): \(took)")
        #expect(try await stage.connection().status == .connected, "\(name) ends no login")
    }
}

/// The same wait for somebody who logs in, whose code is sent once.
private func loginFails(_ slow: Value) async throws {
    try await Stage.acme { stage in
        try await stage.atRedemption(slow)
        async let login = fails(.network) { try await stage.login() }
        // From the request on: the person takes their own time.
        try await stage.untilAFaultStruck()
        let begun = ContinuousClock.now
        _ = try await login
        let took = ContinuousClock.now - begun
        #expect(took <= atMost, "\(took)")
        #expect(try stage.records().isEmpty)
        #expect(try await stage.asked("authorization_code").count == 1)
    }
}

@Test func odd_answers() async throws {
    // What is odd and can be read is read.
    try await Stage.acme { stage in
        var set: [String: Value] = ["expires_in": "1800", "token_type": "bearer"]
        for number in 0..<50 {
            set["unknown_\(number)"] = [["deeper": ["still": .number(Double(number))]], nil]
        }
        let plain: Value = [["content-type", "text/plain"]]
        try await stage.atRedemption(["type": "mutate", "set": .object(set), "headers": plain])
        try await stage.login()
        let token = try await stage.token()
        #expect(token.tokenType == "Bearer")
        #expect(token.authorizationHeader == "Bearer \(token.secret)")
        #expect(try await stage.resource(token.secret) == 200)
        #expect(try await stage.token(minLifetime: 1700).secret == token.secret)
        #expect(try await stage.refreshes().isEmpty)
        #expect(try await stage.token(minLifetime: 1801).secret != token.secret)

        // A lifetime that is not said is taken to be an hour.
        try await stage.atRefresh(["type": "mutate", "remove": ["expires_in", "token_type", "scope"]])
        let forced = try await stage.accessToken(forceRefresh: true)
        #expect(try await stage.token(minLifetime: 3000).secret == forced)
    }
    for (code, action) in try refusals() {
        try await endsNoLogin(code, action)
    }

    // At a login as at a refresh.
    try await Stage.acme { stage in
        let cases: [(code: TokenkeepError.Code, action: Value)] = [
            (.providerRejected, reply(403, #"{"error":"invalid_code"}"#)),
            (.network, ["type": "reply", "status": 400]),
            (.providerRejected, reply(200, #"{"error":"invalid_grant_type","access_token":"canary"}"#)),
        ]
        for (code, action) in cases {
            try await stage.atRedemption(action)
            try await fails(code) { try await stage.login() }
            #expect(try stage.records().isEmpty)
        }
    }
}

/// What is an error, whatever its status.
private func refusals() throws -> [(code: TokenkeepError.Code, action: Value)] {
    let long = String(repeating: "canary", count: 20_000)
    let told: Value = [
        "error": "invalid_request", "error_codes": [1, 2], "error_description": "id \(long) at the end",
        "trace_id": .text(long), "correlation_id": .text(long), "suberror": .text(long),
    ]
    let endless = String(decoding: try JSONEncoder().encode(told), as: UTF8.self)
    return [
        (.providerRejected, reply(200, #"{"error":"invalid_client","access_token":"canary"}"#)),
        (.providerRejected, reply(400, endless)),
        (.providerRejected, reply(200, "{}")),
        (.network, ["type": "reply", "status": 400]),
        (.interactionRequired, ["type": "error", "error": "interaction_required", "claims": #"{"a":1}"#]),
        (.consentRequired, ["type": "error", "error": "invalid_grant", "suberror": "consent_required"]),
    ]
}

/// None of these ends a login.
private func endsNoLogin(_ code: TokenkeepError.Code, _ action: Value) async throws {
    try await Stage.microsoft { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(action)
        let error = try await fails(code) { try await stage.token() }
        var shown = ""
        dump(error, to: &shown)
        #expect(shown.count < 6000, "\(shown)")
        #expect(error.claims == (code == .interactionRequired ? #"{"a":1}"# : nil))
        if code == .consentRequired { #expect(error.server?.suberror == "consent_required") }
        #expect(try await stage.connection().status == .connected, "\(action)")
        if code.rawValue.hasSuffix("_required") { try await stage.login() }
        #expect(try await stage.resource(stage.accessToken()) == 200, "\(action)")
    }
}
