// A program from its first line to its last.

import Foundation
import Support
import Testing
import Tokenkeep

/// Runs `asker` with one errand to its end. What it was told stands in `Ended.stdout`.
private func carriedOut(
    _ stage: Stage, _ errand: Errand, environment: [String: String] = [:]
) async throws -> (ended: Ended, outcome: Outcome) {
    let line = String(decoding: try JSONEncoder().encode(errand), as: UTF8.self)
    let ended = try await run(
        "/bin/sh", ["-c", "printf '%s\\n' \"$0\" | \"$1\"", line, try builtProgram("asker")],
        environment: stage.home.environment.merging(environment) { $1 }, directory: stage.home.path)
    // Behind the line that it is ready with.
    let said = ended.stdout.split(separator: "\n")
    let last = try #require(said.dropFirst().last, "\(ended)")
    return (ended, try JSONDecoder().decode(Outcome.self, from: Data(last.utf8)))
}

@Test func a_refresh_that_was_given_up_is_written_down_before_the_program_ends() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 2500, "when": "after"])
        let (ended, outcome) = try await carriedOut(stage, Errand("acme") { $0.givesUpAfter = 0.5 })
        #expect(ended.code == 0 && outcome.secret == nil && outcome.message == "CancellationError()", "\(ended)")
        #expect(try await stage.refreshes().count == 1)
        let token = try #require(try stage.broker().cachedToken("acme"), "what it had begun is lost")
        #expect(try await stage.resource(token.secret) == 200)
    }
}

@Test func without_an_interaction_the_person_is_at_the_terminal() async throws {
    try await Stage.acme { stage in
        // The browser is that of the environment, as for the command line.
        let browser = ["BROWSER": try program("stand-in-person")]
        let errand = Errand("acme") { $0.atTheTerminal = true }
        let (ended, outcome) = try await carriedOut(stage, errand, environment: browser)
        #expect(ended.code == 0 && outcome.clientID == "public", "\(ended)")
        #expect(ended.stderr.contains("Open this address in your browser:"), "\(ended)")
        #expect(try await stage.connection().status == .connected)
    }
}
