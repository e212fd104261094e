// Whatever shows a value shows no secret. That of a real token is tried in tests/behaviour/swift.

import Foundation
import Testing
import Tokenkeep

private let secret = "canary-of-mine"

@Test func options_show_no_secret() {
    let opening = BrokerOptions(
        home: URL(fileURLWithPath: "/somewhere"), keySource: .passphrase, passphrase: secret, lockWait: 5)
    let login = LoginOptions(
        connection: "work", scopes: ["read"], clientID: "mine", clientSecret: secret, certificate: secret, flow: .pkce)
    for shown in [everythingShown(opening), everythingShown(login)] {
        #expect(!shown.contains(secret) && shown.contains("redacted"), "\(shown)")
    }
    // The rest is shown, and what was left out is not.
    let described = "\(opening)"
    #expect(described.contains("/somewhere") && described.contains("passphrase") && described.contains("lockWait: 5"))
    #expect(!described.contains("insecureLoopback"), "\(described)")
    #expect("\(login)".contains("work") && "\(login)".contains("mine") && !"\(login)".contains("tenant"), "\(login)")
    #expect(!"\(LoginOptions())".contains("redacted"), "there is none")
}

@Test func a_broker_and_what_it_keeps_show_no_secret() async throws {
    try await withStore { options in
        var named = options
        named.keySource = .passphrase
        named.passphrase = secret
        let broker = try Broker(named)
        let stored = try await broker.setRegistration("github", clientID: "mine", clientSecret: secret)
        let inspected = try await broker.inspect()
        for shown in [broker, stored, inspected] as [Any] {
            #expect(!everythingShown(shown).contains(secret), "\(shown)")
        }
    }
}

@Test func a_login_that_waits_shows_no_secret() async throws {
    try await withStore { options in
        let login = LoginOptions(clientID: "mine", clientSecret: secret, redirectURI: "http://127.0.0.1:1/callback")
        let pending = try await Broker(options).beginLogin("github", login)
        let shown = everythingShown(pending)
        #expect(!shown.contains(secret), "\(shown)")
        // What is left without the address, which is for the person's browser: no verifier (RFC 7636 4.1), which has 43
        // characters and more.
        let rest = shown.replacingOccurrences(of: pending.authorizationURL.absoluteString, with: "")
        let verifier = try #require(try Regex("[A-Za-z0-9._~-]{43,}"))
        #expect(rest.firstMatch(of: verifier) == nil, "\(rest)")
    }
}
