// What was asked for, and what was granted.

import Support
import Testing
import Tokenkeep

@Test func scope_not_granted() async throws {
    try await Stage.microsoft { stage in
        try await stage.login()
        let secret = try await stage.accessToken()
        // Microsoft's spellings of one scope.
        let graph = "https://graph.microsoft.com/User.Read"
        for scopes in [["User.Read"], ["user.read"], [graph, "offline_access"]] {
            #expect(try await stage.token(scopes: scopes).secret == secret, "\(scopes)")
        }
        let scopes = ["User.Read", "Mail.Send"]
        let error = try await fails(.scopeNotGranted) { try await stage.token(scopes: scopes) }
        try await fails(.scopeNotGranted) { try stage.broker().cachedToken("microsoft", scopes: scopes) }
        #expect(error.message.contains("Mail.Send"))
        #expect(!error.message.contains("User.Read"))
        let quoted = error.help.split(separator: "`", omittingEmptySubsequences: false)
        try #require(quoted.count == 3, "\(error.help)")
        #expect(quoted[1].hasPrefix("tokenkeep login microsoft --scopes \""))
        #expect(quoted[1].contains("User.Read"))
        #expect(quoted[1].contains("Mail.Send"))
        #expect(try await stage.refreshes().isEmpty, "nothing is sent for what is known to be missing")

        // The command that is named is for the connection that lacks the scope.
        try await stage.login { $0.connection = "work" }
        let work = try await fails(.scopeNotGranted) {
            try await stage.token(connection: "work", scopes: ["Mail.Send"])
        }
        #expect(work.help.contains("--connection work"))

        try await stage.login { $0.scopes = scopes }
        let granted = try await stage.connection().grantedScopes
        #expect(try await stage.token(scopes: ["mail.send"]).scopes == granted)
    }
}

@Test func scopes_of_two_resources_are_refused_before_anybody_is_asked() async throws {
    try await Stage.microsoft { stage in
        let two = ["User.Read", "https://outlook.office.com/Mail.Read"]
        let error = try await fails(.configInvalid) { try await stage.login { $0.scopes = two } }
        #expect(error.message.contains("https://outlook.office.com"))
        #expect(error.help.contains("--connection"))
        let options = stage.loginOptions {
            $0.scopes = two
            $0.redirectURI = "http://127.0.0.1:1/callback"
        }
        try await fails(.configInvalid) { try await stage.broker().beginLogin("microsoft", options) }
        #expect(try await stage.entries().isEmpty)
        let connection = try await stage.login { $0.scopes = [two[1]] }
        #expect(connection.grantedScopes.contains(two[1]))
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
