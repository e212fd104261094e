// A refresh that goes well: once, with the newest refresh token, whoever asks.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func expired_token_is_refreshed_and_rotated() async throws {
    try await Stage.acme(test: isRotated)
    try await Stage.microsoft(test: isRotated)
}

private func isRotated(_ stage: Stage) async throws {
    try await stage.loginExpired()
    #expect(try await stage.connection().refreshedAt == nil)
    let logins = try await stage.asked("authorization_code")
    #expect(logins.count == 1)
    let second = try await stage.accessToken()
    let third = try await stage.accessToken(forceRefresh: true)
    #expect(second != third)
    let refreshes = try await stage.refreshes()
    try #require(refreshes.count == 2)
    // Each time the newest, and never one twice.
    for (before, refresh) in zip([logins[0], refreshes[0]], refreshes) {
        let newest = try #require(before["outcome"]["issued"]["refresh_token"].string)
        #expect(refresh["parameters"]["refresh_token"].string == newest)
    }
    #expect(try await stage.journal()["reuse_count"] == 0)
    #expect(try await stage.resource(third) == 200)
    let connection = try await stage.connection()
    #expect(try #require(connection.refreshedAt) >= connection.loggedInAt)

    // Entra wants the scopes named (AADSTS900144), others need not hear them.
    let entra: Value = "https://graph.microsoft.com/User.Read openid profile offline_access"
    for entry in refreshes {
        #expect(entry["origin"] == false)
        for absent in ["client_secret", "resource"] {
            #expect(!entry["parameters"][absent].exists, "\(absent)")
        }
        #expect(entry["parameters"]["scope"] == (stage.provider == "microsoft" ? entra : nil))
    }
}

@Test func refresh_token_is_kept_when_none_is_sent() async throws {
    try await Stage.acme { stage in
        try await stage.change(["rotation": "none"])
        try await stage.loginExpired()
        _ = try await stage.accessToken()
        _ = try await stage.accessToken(forceRefresh: true)
        #expect(try await stage.connection().hasRefreshToken)
        // A server that rotates again later is followed as well.
        try await stage.change(["rotation": "reuse-detection"])
        _ = try await stage.accessToken(forceRefresh: true)
        _ = try await stage.accessToken(forceRefresh: true)
        let sent = try await stage.refreshes().compactMap { $0["parameters"]["refresh_token"].string }
        try #require(sent.count == 4)
        #expect([sent[1], sent[2]] == [sent[0], sent[0]])
        #expect(sent[3] != sent[2])
        #expect(try await stage.journal()["reuse_count"] == 0)
    }
}

@Test func eight_processes_one_refresh() async throws {
    for rotation in ["none", "keep-old", "reuse-detection", "grace:30"] {
        try await Stage.acme { stage in
            try await stage.change(["rotation": .text(rotation)])
            try await stage.loginExpired()
            // Slow enough that all have asked before the first has its answer.
            try await stage.atRefresh(["type": "delay", "milliseconds": 700])
            let all = try await together(8) { try await Elsewhere(stage) }
            let tokens = try await together(all) { try await $0.accessToken("acme") }
            #expect(tokens.count == 8 && Set(tokens).count == 1, "\(rotation)")
            #expect(try await stage.refreshes().count == 1, "\(rotation)")
            #expect(try await stage.journal()["reuse_count"] == 0, "\(rotation)")
            #expect(try await stage.resource(tokens[0]) == 200, "\(rotation)")
        }
    }
}

@Test func two_refresh_of_two_accounts_run_in_parallel() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired { $0.connection = "a" }
        try await stage.loginExpired { $0.connection = "b" }
        try await stage.atRefresh(["type": "delay", "milliseconds": 1500], times: 2)
        let begun = ContinuousClock.now
        let tokens = try await together(["a", "b"]) { try await stage.token(connection: $0) }
        let took = ContinuousClock.now - begun
        #expect(tokens.map(\.connection) == ["a", "b"])
        #expect(tokens[0].secret != tokens[1].secret)
        let refreshes = try await stage.refreshes().compactMap { $0["milliseconds"].int }
        try #require(refreshes.count == 2)
        #expect(refreshes[1] - refreshes[0] < 1500, "the second did not wait for the first's answer")
        #expect(took < .milliseconds(2900))
    }
}

@Test func lock_timeout_in_the_time_that_was_given() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 60_000])
        let holder = try await Elsewhere(stage)
        // It is stopped, and killed, before it has an answer.
        let unanswered = Task { try await holder.accessToken("acme") }
        try await stage.untilAFaultStruck()
        holder.signal(SIGSTOP)
        defer { holder.signal(SIGKILL) }

        // Not to wait at all is a wish too.
        for lockWait in [1, 0] {
            let broker = try stage.broker { $0.lockWait = TimeInterval(lockWait) }
            let begun = ContinuousClock.now
            let error = try await fails(.lockTimeout) { try await broker.token("acme") }
            let took = ContinuousClock.now - begun
            #expect(error.message.contains("longer than \(lockWait).0 s"), "\(error.message)")
            #expect(took >= .seconds(lockWait) && took < .seconds(lockWait + 2), "\(took)")
        }
        func told(_ seconds: String, _ code: TokenkeepError.Code) async throws -> FailedElsewhere {
            let patient = try await Elsewhere(stage, environment: ["TOKENKEEP_LOCK_WAIT": seconds])
            return try await failsElsewhere(code) { try await patient.accessToken("acme") }
        }
        let error = try await told("2", .lockTimeout)
        #expect(error.message.contains("longer than 2.0 s"), "\(error.message)")
        for odd in ["soon", "-1", "1.5", "86401"] {
            let error = try await told(odd, .configInvalid)
            for named in ["TOKENKEEP_LOCK_WAIT", odd] {
                #expect(error.message.contains(named), "\(error.message)")
            }
        }
        try await fails(.configInvalid) { try stage.broker { $0.lockWait = -1 } }
        for odd in [TimeInterval.nan, .infinity] {
            #expect(throws: (any Error).self) { try stage.broker { $0.lockWait = odd } }
        }
        holder.signal(SIGKILL)
        await #expect(throws: TestFailure.self) { try await unanswered.value }
    }
}
