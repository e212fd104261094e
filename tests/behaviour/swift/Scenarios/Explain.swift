// Microsoft's error codes: what is said of them when somebody asks, and when they come.

import Foundation
import Support
import Testing
import Tokenkeep

private let deviceCode = "urn:ietf:params:oauth:grant-type:device_code"

/// The one command at the end of a help.
private func command(_ error: TokenkeepError) throws -> String {
    let last = try #require(error.help.split(separator: "\n").last)
    let parts = last.split(separator: "`", omittingEmptySubsequences: false)
    try #require(parts.count == 3, "\(error.help)")
    return String(parts[1])
}

@Test func explain_says_who_must_act() async throws {
    try await Stage.microsoft { stage in
        let untouched = stage.home.path.appendingPathComponent("untouched")
        let broker = try stage.broker { $0.home = untouched }
        // The codes of the table.
        let file = root.appendingPathComponent("core/src/protocol/aadsts.toml")
        let codes = try String(contentsOf: file, encoding: .utf8).matches(of: /(?m)^\[(\d+)\]$/).map { String($0.1) }
        #expect(codes.count >= 146)
        let all = try await broker.explain(codes.joined(separator: " "))
        #expect(all.map(\.code) == codes.map { "AADSTS\($0)" })
        for explanation in all {
            let who = ["user", "developer", "administrator", "service", "nobody"]
            #expect(who.contains(explanation.who), "\(explanation)")
            let sentences = [explanation.name, explanation.meaning, explanation.remedy]
            #expect(sentences.allSatisfy { !$0.isEmpty }, "\(explanation)")
            #expect(explanation.command?.hasPrefix("tokenkeep ") != false, "\(explanation)")
        }
        for text in ["65001", "AADSTS65001", "aadsts65001"] {
            let consent = try await broker.explain(text)
            #expect(consent == all.filter { $0.code == "AADSTS65001" }, "\(text)")
            #expect(consent.map(\.who) == ["user"])
        }

        // A whole error, as it was pasted: each code once, and no number that is something else.
        let pasted: Value = [
            "error": "invalid_grant", "error_codes": [50076], "port": 50173,
            "error_description": "AADSTS50076: no. Trace ID: 65001 AADSTS53003 AADSTS1",
        ]
        #expect(try await broker.explain(pasted.json).map(\.code) == ["AADSTS50076", "AADSTS53003"])
        for unknown in ["AADSTS4711", "4711", "port 65001"] {
            let error = try await fails(.configInvalid) { try await broker.explain(unknown) }
            // Where Microsoft has more to say, whoever asks is told.
            let address = error.help.contains("https://login.microsoftonline.com/error?code=4711")
            #expect(address == unknown.contains("4711"), "\(error.help)")
        }
        #expect(!FileManager.default.fileExists(atPath: untouched.path), "a question about a code makes no store")
    }
}

@Test func help_of_an_error_is_its_explanation() async throws {
    try await Stage.microsoft { stage in
        let broker = try stage.broker()
        // Each as Microsoft sends it: the grant lives on; the grant has ended; the app is to be put right.
        let refusals: [(code: TokenkeepError.Code, refusal: [String: Value], number: Int)] = [
            (.interactionRequired, ["error": "invalid_grant", "suberror": "basic_action"], 50076),
            (.loginRequired, ["error": "invalid_grant"], 50173),
            (.providerRejected, ["error": "invalid_client"], 7_000_222),
        ]
        for (code, refusal, number) in refusals {
            try await stage.loginExpired { $0.connection = "work" }
            let numbers: Value = .list([.number(Double(number))])
            try await stage.atRefresh(.object(refusal.merging(["type": "error", "numbers": numbers]) { $1 }))
            let error = try await fails(code) { try await stage.token(connection: "work") }
            let explanation = try #require(try await broker.explain("\(number)").first)
            #expect(error.help.contains(explanation.remedy), "\(error)")
            let own = try #require(explanation.command)
            let named = own.replacingOccurrences(of: "login microsoft", with: "login microsoft --connection work")
            #expect(try command(error) == named)
            #expect(error.server?.errorCodes == [number])
        }

        // What a support request needs is told with the refusal, and again while it is kept.
        try await stage.loginExpired { $0.connection = "work" }
        try await stage.atRefresh([
            "type": "error", "error": "invalid_grant", "suberror": "message_only", "numbers": [53003],
        ])
        let before = try await stage.refreshes().count
        let first = try await fails(.interactionRequired) { try await stage.token(connection: "work") }
        let again = try await fails(.interactionRequired) { try await broker.token("microsoft", connection: "work") }
        #expect(try await stage.refreshes().count == before + 1)
        #expect(first.help == again.help && first.server == again.server)
        #expect(again.server?.correlationID?.count == 36 && again.server?.traceID?.count == 36, "\(again)")

        // A login that failed is not remembered: the command has what it was given.
        try await stage.atRedemption(["type": "error", "error": "invalid_client", "numbers": [7_000_218]])
        let error = try await fails(.providerRejected) {
            try await stage.login {
                $0.connection = "home"
                $0.scopes = ["Mail.Read"]
            }
        }
        #expect(error.help.contains("Authentication -> Allow public client flows"), "\(error)")
        let options = "--connection home --flow pkce --client-id \(clientID) --scopes \"Mail.Read\""
        #expect(try command(error) == "tokenkeep login microsoft \(options)")
    }
}

@Test func device_code_blocked_suggests_the_browser() async throws {
    // Hints alone: what kind of error it is, `error` and `suberror` say.
    try await Stage.microsoft { stage in
        try await stage.change(["device_interval": 1])
        func byDevice(_ show: @escaping @Sendable (DeviceAuthorization) async throws -> Void) async throws {
            try await stage.login(interaction: Interaction(showDeviceAuthorization: show)) {
                $0.connection = "work"
                $0.flow = .deviceCode
            }
        }
        func byBrowser() async throws { try await stage.login { $0.connection = "work" } }
        func with(_ flow: String) -> String {
            "tokenkeep login microsoft --connection work --flow \(flow) --client-id \(clientID)"
        }
        func refusal(_ error: String, _ number: Int) -> Value {
            ["type": "error", "error": .text(error), "numbers": .list([.number(Double(number))])]
        }
        let refusals: [(code: TokenkeepError.Code, error: String, number: Int)] = [
            (.accessDenied, "access_denied", 53003),
            (.accessDenied, "authorization_declined", 50005),
            (.loginRequired, "invalid_grant", 53000),
            (.loginRequired, "invalid_grant", 530_035),
        ]
        for (code, name, number) in refusals {
            try await stage.fault([
                "endpoint": "token", "grant_type": .text(deviceCode), "action": refusal(name, number),
            ])
            let error = try await fails(code) { try await byDevice { _ in } }
            #expect(try command(error) == with("pkce"), "\(number)")
            #expect(error.server?.errorCodes == [number])
            #expect(error.server?.correlationID?.count == 36, "\(error)")
        }
        // Before there is a code, too.
        try await stage.fault(["endpoint": "device", "action": refusal("invalid_grant", 53003)])
        #expect(try await command(fails(.loginRequired) { try await byDevice { _ in } }) == with("pkce"))

        // The other way round: what the browser met, a device code can do without.
        for number in [50011, 500_113] {
            try await stage.atRedemption(refusal("invalid_request", number))
            let error = try await fails(.providerRejected) { try await byBrowser() }
            #expect(error.help.contains("http://localhost/callback"), "\(error)")
            #expect(try command(error) == with("device-code"), "\(number)")
        }
        // What the browser met and a device code would meet as well is tried again as it was.
        try await stage.atRedemption(refusal("access_denied", 53003))
        #expect(try await command(fails(.accessDenied) { try await byBrowser() }) == with("pkce"))

        // Nobody but the person said no: there is no way to get by.
        let error = try await fails(.accessDenied) {
            try await byDevice { try await Person.enterUserCode($0, "--deny") }
        }
        #expect(!error.help.contains("--flow pkce"), "\(error)")
    }
}
