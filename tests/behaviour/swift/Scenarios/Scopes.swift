// What was asked for, and what was granted.

import Support
import Testing
import Tokenkeep

@Test func scope_not_granted() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        _ = try await stage.accessToken(scopes: ["read"])
        let scopes = ["read", "admin"]
        let error = try await fails(.scopeNotGranted) { try await stage.token(scopes: scopes) }
        try await fails(.scopeNotGranted) { try stage.broker().cachedToken("acme", scopes: scopes) }
        #expect(error.message.contains("admin") && !error.message.contains("read"), "\(error)")
        let quoted = error.help.split(separator: "`", omittingEmptySubsequences: false)
        try #require(quoted.count == 3, "\(error.help)")
        #expect(quoted[1] == "tokenkeep login acme --add-scopes \"admin\"")
        // The command that is named is for the connection that lacks the scope.
        try await stage.login { $0.connection = "work" }
        let work = try await fails(.scopeNotGranted) {
            try await stage.token(connection: "work", scopes: ["admin"])
        }
        #expect(work.help.contains("--connection work"))
        #expect(try await stage.refreshes().isEmpty, "nothing is sent for what is known to be missing")
    }

    // Microsoft's spellings of one scope.
    try await Stage.microsoft { stage in
        let graph = "https://graph.microsoft.com/User.Read"
        try await stage.atRedemption(["type": "mutate", "set": ["scope": .text(graph)]])
        try await stage.login { $0.scopes = ["User.Read", "Mail.Send"] }
        let secret = try await stage.accessToken()
        for scopes in [["User.Read"], ["user.read"], [graph, "offline_access"]] {
            #expect(try await stage.token(scopes: scopes).secret == secret, "\(scopes)")
        }
        // The login asked for it, and in vain.
        try await fails(.scopeNotGranted) { try await stage.token(scopes: ["mail.send"]) }
        #expect(try await stage.refreshes().isEmpty)
        try await stage.login()
        let granted = try await stage.connection().grantedScopes
        #expect(try await stage.token(scopes: ["mail.send"]).scopes == granted)
    }
}

@Test func login_for_several_resources() async throws {
    try await Stage.microsoft { stage in
        let (graph, outlook) = ("https://graph.microsoft.com/User.Read", "https://outlook.office.com/Mail.Read")
        let aboutThePerson = "openid profile offline_access"
        func askedLast() async throws -> String? { try await stage.lastAsked()["parameters"]["scope"].string }
        let connection = try await stage.login { $0.scopes = [graph, outlook] }
        // The person consents to all of it; a token is for one resource, and that is the first.
        #expect(try await askedLast() == "\(graph) \(outlook) \(aboutThePerson)")
        let redeemed = try await stage.asked("authorization_code").last?["parameters"]["scope"].string
        #expect(redeemed == "\(graph) \(aboutThePerson)")
        #expect(connection.requestedScopes.count == 5 && connection.missingScopes.isEmpty, "\(connection)")
        #expect(connection.accessTokens.map(\.resource) == ["https://graph.microsoft.com"])
        // So is its refresh.
        _ = try await stage.accessToken(forceRefresh: true)
        #expect(try await stage.refreshes().last?["parameters"]["scope"].string == redeemed)
        // A login again is for all of it.
        try await stage.login()
        #expect(try await askedLast() == "\(graph) \(outlook) \(aboutThePerson)")

        // With a device code there is one request, and a token is what it is for: said before anybody is asked.
        let before = try await stage.entries().count
        let error = try await fails(.configInvalid) {
            try await stage.login {
                $0.flow = .deviceCode
                $0.scopes = [graph, outlook]
            }
        }
        #expect(error.message.contains("https://outlook.office.com"), "\(error)")
        #expect(error.help.contains("--flow pkce"), "\(error)")
        #expect(try await stage.entries().count == before)

        // Scopes of one resource: the code is redeemed for what was asked for.
        try await stage.login { $0.scopes = [outlook] }
        #expect(try await stage.asked("authorization_code").last?["parameters"]["scope"].string == nil)
    }
}

@Test func wider_scopes_ask_for_the_difference() async throws {
    func asked(_ stage: Stage) async throws -> String? { try await stage.lastAsked()["parameters"]["scope"].string }
    try await Stage.microsoft { stage in
        let aboutThePerson = "openid profile offline_access"
        let (anna, boris) = ("anna@contoso.example", "boris@contoso.example")
        let (graph, outlook) = ("https://graph.microsoft.com/User.Read", "https://outlook.office.com/Mail.Read")
        // Without an earlier login they go beside the provider's own.
        try await stage.login {
            $0.addScopes = ["Mail.Read"]
            $0.loginHint = anna
        }
        #expect(try await asked(stage) == "\(graph) Mail.Read \(aboutThePerson)")
        // Then they are the difference, in whatever spelling it is named, for the same account.
        let wider = try await stage.login { $0.addScopes = ["user.read", "Calendars.Read"] }
        #expect(try await asked(stage) == "Calendars.Read \(aboutThePerson)")
        let parameters = try await stage.lastAsked()["parameters"]
        #expect(parameters["login_hint"].string == anna && !parameters["prompt"].exists, "\(parameters)")
        let all = "\(graph) Mail.Read \(aboutThePerson) Calendars.Read"
        #expect(wider.requestedScopes.joined(separator: " ") == all)
        #expect(wider.account.username == anna)
        // Consent adds up: a refresh names all of it.
        _ = try await stage.accessToken(forceRefresh: true)
        #expect(try await stage.refreshes().last?["parameters"]["scope"].string == all)
        // Of another resource: the code is still redeemed for the connection's own.
        try await stage.login { $0.addScopes = [outlook] }
        #expect(try await asked(stage) == "\(all) \(outlook)")
        #expect(try await stage.asked("authorization_code").last?["parameters"]["scope"].string == all)
        // Nothing is new: the person is asked for all of it.
        try await stage.login { $0.addScopes = ["Mail.Read"] }
        #expect(try await asked(stage) == "\(all) \(outlook)")

        // Somebody else's grant is not put in the place of this one.
        let kept = try stage.records()
        let error = try await fails(.providerRejected) {
            try await stage.login {
                $0.addScopes = ["Files.Read"]
                $0.loginHint = boris
            }
        }
        #expect(error.message.contains(anna) && error.message.contains(boris), "\(error)")
        #expect(error.help.contains("without --add-scopes"), "\(error)")
        #expect(try stage.records() == kept)
        #expect(try await stage.login { $0.loginHint = boris }.account.username == boris)
    }

    // Where nobody knows that consent adds up, all of it is asked for.
    try await Stage.acme { stage in
        try await stage.login()
        try await stage.login { $0.addScopes = ["admin"] }
        #expect(try await asked(stage) == "read write offline_access admin")
        // One list or the other.
        let both = LoginOptions(
            scopes: ["read"], addScopes: ["admin"], redirectURI: "http://127.0.0.1:1/callback")
        try await fails(.configInvalid) { try await stage.broker().beginLogin("acme", both) }
    }
}

@Test func narrower_scope_is_kept_and_warned() async throws {
    try await Stage.acme { strict in
        try await strict.atRedemption(["type": "mutate", "set": ["scope": "read offline_access"]])
        // The warning of a program: what is missing stands in what `login` returns.
        let connection = try await strict.login()
        #expect(connection.missingScopes == ["write"])
        #expect(connection.grantedScopes == ["read", "offline_access"])
        #expect(connection.requestedScopes == ["read", "write", "offline_access"])
        #expect(try await strict.connection() == connection)
        #expect(try await strict.token(scopes: ["read"]).scopes == ["read", "offline_access"])
        try await fails(.scopeNotGranted) { try await strict.token(scopes: ["write"]) }
    }

    // RFC 6749 6: a refresh must not ask for what was not granted.
    try await Stage.microsoft { entra in
        let granted: Value = "https://graph.microsoft.com/User.Read"
        try await entra.atRedemption(["type": "mutate", "set": ["scope": granted]])
        try await entra.login { $0.scopes = ["User.Read", "Mail.Send"] }
        _ = try await entra.accessToken(forceRefresh: true)
        let refreshes = try await entra.refreshes()
        #expect(refreshes.count == 1)
        let asked = try #require(refreshes.first)["parameters"]["scope"].string ?? ""
        #expect(asked.contains("User.Read"))
        #expect(!asked.contains("Mail.Send"))
    }

    // Without a word about scopes it is what was asked for (RFC 6749 5.1).
    try await Stage.acme { silent in
        try await silent.atRedemption(["type": "mutate", "remove": ["scope"]])
        let connection = try await silent.login()
        #expect(connection.grantedScopes == ["read", "write", "offline_access"])
        #expect(connection.missingScopes.isEmpty)
    }
}
