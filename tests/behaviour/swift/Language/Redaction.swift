// Whatever shows a value shows no token. Options and brokers without a login are tried in bindings-swift/Tests.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func a_token_shows_all_but_its_secret() async throws {
    try await Stage.acme { stage in
        try await stage.login { $0.connection = "work" }
        let token = try await stage.token(connection: "work")
        let shown = everythingShown(token)
        #expect(!token.secret.isEmpty && !shown.contains(token.secret), "\(shown)")
        let described = "\(token)"
        #expect(described.hasPrefix("AccessToken(provider: acme, connection: work, expiresAt: 2"), "\(described)")
        #expect(described.contains("read") && described == token.debugDescription)
        // It has no JSON that could be written by mistake.
        #expect(!((token as Any) is any Encodable))
    }
}

@Test func nothing_that_a_broker_answers_shows_a_token() async throws {
    try await Stage.acme { stage in
        let broker = try stage.broker()
        try await stage.login()
        let token = try await broker.token("acme")
        _ = try broker.cachedToken("acme")
        let refused = try await fails(.scopeNotGranted) { try await broker.token("acme", scopes: ["admin"]) }
        let answers: [Any] = [
            broker, try await broker.connections(), try await broker.connection("acme"), try await broker.inspect(),
            refused, try await broker.logout("acme"),
        ]
        for answer in answers {
            let shown = everythingShown(answer)
            #expect(!shown.contains(token.secret), "\(shown)")
        }
    }
}

/// Whatever a program may show of a value without asking it for anything.
private func everythingShown(_ value: Any) -> String {
    var shown = ["\(value)", String(describing: value), String(reflecting: value), "\([value])"]
    shown.append("\(Optional(value) as Any)")
    for whole in [value, [value], ["key": value]] {
        var dumped = ""
        dump(whole, to: &dumped)
        shown.append(dumped)
    }
    return shown.joined(separator: "\n")
}
