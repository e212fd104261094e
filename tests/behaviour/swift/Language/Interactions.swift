// A login whose person the program talks to: its closures, and what they throw.

import Foundation
import Support
import Testing
import Tokenkeep

/// A program's own error.
private struct NotNow: LocalizedError, Equatable {
    let method: String
    var errorDescription: String? { "not now: \(method)" }
}

@Test(arguments: ["flowChosen", "openURL", "showDeviceAuthorization", "readRedirectURL", "responseRefused"])
func what_a_closure_throws_ends_the_login_and_is_its_underlying_error(method: String) async throws {
    try await Stage.acme { stage in
        let thrown = NotNow(method: method)
        let interaction = Interaction(
            flowChosen: { _, _ in if method == "flowChosen" { throw thrown } },
            openURL: { _ in if method == "openURL" { throw thrown } },
            showDeviceAuthorization: { _ in throw thrown },
            readRedirectURL: {
                if method == "readRedirectURL" { throw thrown }
                return "http://127.0.0.1/callback?state=wrong"
            },
            responseRefused: { _ in throw thrown })
        let error = try await fails(.loginCancelled) {
            try await stage.login(interaction: interaction) {
                $0.flow = method == "showDeviceAuthorization" ? .deviceCode : .pkce
                $0.paste = ["readRedirectURL", "responseRefused"].contains(method)
            }
        }
        #expect(error.underlyingError as? NotNow == thrown, "\(error)")
        #expect(error.message == thrown.errorDescription, "\(error)")
        #expect(try stage.records().isEmpty)
    }
}

@Test func an_error_without_words_of_its_own_is_described() async throws {
    enum Trouble: Error { case noWindow }
    try await Stage.acme { stage in
        let interaction = Interaction(openURL: { _ in throw Trouble.noWindow })
        let error = try await fails(.loginCancelled) { try await stage.login(interaction: interaction) }
        #expect(error.underlyingError as? Trouble == .noWindow && error.message == "noWindow", "\(error)")
    }
}

@Test func a_closure_of_the_main_actor_is_called_there() async throws {
    try await Stage.acme { stage in
        let person = stage.browser()
        let interaction = Interaction(openURL: { @MainActor url in
            MainActor.preconditionIsolated()
            try await person.openURL?(url)
        })
        let connection = try await stage.login(interaction: interaction)
        #expect(connection.status == .connected)
    }
}
