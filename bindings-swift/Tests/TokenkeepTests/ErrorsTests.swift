// A failure of the core is an error of Swift's with all that the core has said.

import Foundation
import Testing
import Tokenkeep

@Test func a_failure_arrives_with_all_that_it_says() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let error = try await failure { try await broker.token("github") }
        #expect(error.code == .notConnected && !error.isRetryable)
        #expect(error.message.contains("github") && !error.message.contains("\n"), "\(error)")
        #expect(error.help.contains("tokenkeep login github"), "\(error)")
        // What only other codes say.
        #expect(error.server == nil && error.reason == nil && error.retryAt == nil && error.claims == nil)
        #expect(error.underlyingError == nil)
    }
}

@Test func an_error_is_what_foundation_shows() async throws {
    let error = try await failure { try AllowedHosts([]) }
    #expect(error.localizedDescription == error.message)
    #expect((error as any Error).localizedDescription == error.message)
    #expect(error.errorDescription == error.message && error.recoverySuggestion == error.help)
    #expect("\(error)" == "config_invalid: \(error.message)\n\(error.help)")
}

@Test func what_is_not_of_its_form_is_config_invalid() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let redirect = "http://127.0.0.1:1/callback"
        let nobody = Interaction()
        let calls: [(what: String, call: () async throws -> Any?)] = [
            ("lockWait", { try Broker(BrokerOptions(home: options.home, lockWait: -1)) }),
            ("provider", { try await broker.token("Git Hub") }),
            ("connection", { try await broker.token("github", connection: "a/b") }),
            ("scopes", { try await broker.token("github", scopes: ["a b"]) }),
            ("checkScopes", { try await broker.checkScopes("github", ["a b"]) }),
            ("explain", { try await broker.explain("nothing of the kind") }),
            ("minLifetime", { try await broker.token("github", minLifetime: -1) }),
            ("cached", { try broker.cachedToken("github", minLifetime: 1e300) }),
            ("refusal", { try await broker.tokenAfterRefusal("github", refused: "x", connection: "") }),
            ("timeout", { try await broker.login("github", LoginOptions(timeout: -1), interaction: nobody) }),
            ("redirectURI", { try await broker.beginLogin("github", LoginOptions(clientID: "c")) }),
            ("begin", { try await broker.beginLogin("", LoginOptions(clientID: "c", redirectURI: redirect)) }),
            ("logout", { try await broker.logout("github", connection: "a b") }),
            ("clientID", { try await broker.setRegistration("github", clientID: "") }),
            ("file", { try await broker.addProvider(URL(fileURLWithPath: "/nonexistent.toml")) }),
        ]
        for (what, call) in calls {
            let error = try await failure(of: call)
            #expect(error.code == .configInvalid && !error.message.isEmpty && !error.help.isEmpty, "\(what): \(error)")
        }
        #expect(try await broker.connections().connections.isEmpty)
    }
}
