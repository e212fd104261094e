// What a login can ask beside scopes: of the login page, and of the token.

import Foundation
import Support
import Testing
import Tokenkeep

private let anna = "anna@contoso.example"
private let boris = "boris@contoso.example"
private let deviceCode = "urn:ietf:params:oauth:grant-type:device_code"
/// Nobody has to see the code: `withReadyDevices`.
private let unseen = Interaction(showDeviceAuthorization: { _ in })

/// Devices are approved at the first poll.
private func withReadyDevices(_ stage: Stage) async throws {
    try await stage.change(["device_interval": 1, "device_approve_after": 0])
}

/// The claims of a request; nil where it has none.
private func claims(_ entry: Value?) throws -> Value? {
    try (entry?["parameters"]["claims"].string).map { try Value(json: $0) }
}

@Test func prompt_and_hints_are_sent() async throws {
    try await Stage.microsoft { stage in
        let connection = try await stage.login {
            $0.prompt = "login"
            $0.loginHint = anna
            $0.domainHint = "contoso.example"
        }
        let asked = try await stage.lastAsked()["parameters"]
        #expect(asked["prompt"] == "login" && asked["domain_hint"] == "contoso.example", "\(asked)")
        #expect(asked["login_hint"].string == anna)
        #expect(connection.account.username == anna)
        // They are of one login: the next one is as the provider's definition has it.
        try await stage.login()
        let next = try await stage.lastAsked()["parameters"]
        #expect(next["prompt"] == "select_account")
        #expect(!next["login_hint"].exists && !next["domain_hint"].exists, "\(next)")

        // Nobody is asked for what is not of its form, or cannot be sent.
        let before = try await stage.entries().count
        let wrong: [(told: String, options: (inout LoginOptions) -> Void)] = [
            ("\"always\"", { $0.prompt = "always" }),
            ("prompt", { $0.prompt = "" }),
            ("login hint", { $0.loginHint = "anna\nboris" }),
            ("login hint", { $0.loginHint = String(repeating: "a", count: 321) }),
            ("domain hint", { $0.domainHint = " " }),
        ]
        for (told, options) in wrong {
            let error = try await fails(.configInvalid) { try await stage.login(options) }
            #expect(error.message.contains(told), "\(error)")
        }
        let ofTheBrowser: [(inout LoginOptions) -> Void] = [
            { $0.prompt = "login" }, { $0.loginHint = anna }, { $0.domainHint = "contoso.example" },
        ]
        for options in ofTheBrowser {
            let error = try await fails(.configInvalid) {
                try await stage.login(interaction: unseen) {
                    $0.flow = .deviceCode
                    options(&$0)
                }
            }
            #expect(error.help.contains("--flow pkce"), "\(error)")
        }
        #expect(try await stage.entries().count == before)
    }

    // Any other provider: OIDC's own parameters, and no organizations.
    try await Stage.oidc { stage in
        try await stage.login {
            $0.prompt = "select_account"
            $0.loginHint = anna
        }
        let asked = try await stage.lastAsked()["parameters"]
        #expect(asked["prompt"] == "select_account" && asked["login_hint"].string == anna, "\(asked)")
        try await fails(.configInvalid) { try await stage.login { $0.domainHint = "contoso.example" } }
    }
}

@Test func claims_are_sent_with_the_next_login() async throws {
    try await Stage.microsoft { stage in
        try await withReadyDevices(stage)
        try await stage.loginExpired { $0.loginHint = anna }
        let demanded: Value = ["access_token": ["acrs": ["essential": true, "value": "c1"]]]
        try await stage.atRefresh([
            "type": "error", "error": "interaction_required", "claims": .text(try demanded.json),
        ])
        let error = try await fails(.interactionRequired) { try await stage.token() }
        #expect(try Value(json: error.claims) == demanded)

        // The login that repairs it carries them by itself, for the account that it is about.
        try await stage.login()
        let asked = try await stage.lastAsked()
        #expect(try claims(asked) == demanded)
        #expect(asked["parameters"]["login_hint"].string == anna)
        #expect(!asked["parameters"]["prompt"].exists, "nobody is to choose another account: \(asked)")
        // Its token meets the demand, however it is written.
        let token = try await stage.token()
        let otherWords = try demanded.json.replacingOccurrences(of: ":", with: " :\n ")
        #expect(try await stage.token(claims: otherWords) == token)
        #expect(try await stage.refreshes().count == 1)
        // What was met is not asked for again.
        try await stage.login { $0.loginHint = anna }
        #expect(try claims(await stage.lastAsked()) == nil)

        // Named by the caller, in either flow.
        let named: Value = ["access_token": ["nbf": ["essential": true, "value": "1700000000"]]]
        let text = try named.json
        try await stage.login { $0.claims = text }
        #expect(try claims(await stage.lastAsked()) == named)
        #expect(try await stage.token(claims: text) == stage.token())
        try await stage.login(interaction: unseen) {
            $0.flow = .deviceCode
            $0.connection = "device"
            $0.claims = text
        }
        #expect(try claims(await stage.asked(deviceCode).last) == named)
        _ = try await stage.accessToken(connection: "device", claims: text)
        #expect(try await stage.refreshes().count == 1)

        // The challenge was to this account: another one's grant is not put in its place.
        let kept = try stage.records()
        let other = try await fails(.providerRejected) {
            try await stage.login {
                $0.claims = text
                $0.loginHint = boris
            }
        }
        #expect(other.message.contains(anna) && other.message.contains(boris), "\(other)")
        #expect(try stage.records() == kept)
        for wrong in ["essential", "[]"] {
            try await fails(.configInvalid) { try await stage.login { $0.claims = wrong } }
        }
    }
}

@Test func client_capabilities_are_sent() async throws {
    try await Stage.microsoft { stage in
        try await withReadyDevices(stage)
        let capable: Value = ["values": ["cp1"]]
        let cp1: Value = ["access_token": ["xms_cc": capable]]
        try await stage.login()
        #expect(try claims(await stage.lastAsked()) == nil)
        let connection = try await stage.login { $0.clientCapabilities = ["cp1"] }
        #expect(connection.clientCapabilities == ["cp1"])
        #expect(try claims(await stage.lastAsked()) == cp1)
        #expect(try claims(await stage.asked("authorization_code").last) == cp1)
        // The next login remembers them, and adds them to what is demanded.
        let nbf: Value = ["essential": true, "value": "1"]
        let demanded: Value = ["access_token": ["nbf": nbf]]
        let text = try demanded.json
        try await stage.login { $0.claims = text }
        #expect(try claims(await stage.lastAsked()) == ["access_token": ["nbf": nbf, "xms_cc": capable]])
        // What the token was asked for is the demand; the capabilities are the client's.
        #expect(try await stage.token(claims: text) == stage.token())
        #expect(try await stage.refreshes().isEmpty)
        _ = try await stage.accessToken(forceRefresh: true)
        #expect(try claims(await stage.refreshes().last) == cp1)

        try await stage.login(interaction: unseen) { $0.flow = .deviceCode }
        #expect(try claims(await stage.asked(deviceCode).last) == cp1)
        for wrong in ["cp 1", "", "cp1;x"] {
            try await fails(.configInvalid) { try await stage.login { $0.clientCapabilities = [wrong] } }
        }
    }
}
