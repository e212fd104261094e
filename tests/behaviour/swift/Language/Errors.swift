// Errors with what only some of them say. Each code is provoked by a scenario.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func every_code_of_the_table_is_a_case_and_the_other_way_round() throws {
    let table = try errorTable().compactMap { $0["code"].string }
    #expect(!table.isEmpty && Set(table).count == table.count)
    #expect(TokenkeepError.Code.allCases.map(\.rawValue).sorted() == table.sorted())
}

@Test func what_the_server_said_arrives() async throws {
    try await Stage.microsoft { stage in
        try await stage.loginExpired()
        let challenge = #"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#
        try await stage.atRefresh([
            "type": "error", "error": "interaction_required", "description": "AADSTS50076: use a second factor",
            "numbers": [50076, 7], "suberror": "basic_action", "claims": .text(challenge),
        ])
        let error = try await fails(.interactionRequired) { try await stage.token() }
        #expect(error.claims == challenge && error.reason == nil && error.retryAt == nil)
        let server = try #require(error.server)
        #expect(server.error == "interaction_required" && server.suberror == "basic_action")
        #expect(server.description?.hasPrefix("AADSTS50076") == true, "\(server)")
        #expect(server.errorCodes == [50076, 7])
        #expect(server.traceID?.isEmpty == false && server.correlationID?.isEmpty == false, "\(server)")
        #expect(server.traceID != server.correlationID)
    }
}

@Test func the_end_of_a_grant_says_its_reason() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "error", "error": "invalid_grant"])
        let error = try await fails(.loginRequired) { try await stage.token() }
        #expect(error.reason == .grantEnded)
        let server = try #require(error.server)
        #expect(server.error == "invalid_grant" && server.errorCodes == [] && server.suberror == nil)
        let connection = try await stage.connection()
        #expect(connection.status == .loginRequired && connection.loginRequired == .grantEnded)
    }
}

@Test func a_pause_says_its_end() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "throttle", "retry_after_seconds": 60])
        let error = try await fails(.throttled) { try await stage.token() }
        let seconds = try #require(error.retryAt).timeIntervalSinceNow
        #expect(error.isRetryable && seconds > 50 && seconds < 70, "\(seconds) s")
    }
}
