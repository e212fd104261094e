// Which client logs in, and what a login remembers of the one before.

import Foundation
import Support
import Testing
import Tokenkeep

private let option = "aaaaaaaa-0000-4000-8000-000000000001"
private let ownVariable = "aaaaaaaa-0000-4000-8000-000000000002"
private let knownVariable = "aaaaaaaa-0000-4000-8000-000000000003"
private let stored = "aaaaaaaa-0000-4000-8000-000000000004"

/// The client of a login in another process, which the server must have seen.
private func clientElsewhere(
    _ stage: Stage, _ connection: String, _ variables: [String: String?], clientID: String? = nil
) async throws -> String? {
    let person = try program("stand-in-person")
    let outcome = try await Elsewhere(stage, environment: variables).run(
        Errand("microsoft") {
            $0.connection = connection
            $0.person = person
            $0.clientID = clientID
        })
    #expect(try await stage.lastAsked()["client_id"].string == outcome.clientID)
    return outcome.clientID
}

@Test func client_id_precedence() async throws {
    try await Stage.microsoft { stage in
        stage.named = LoginOptions()
        let broker = try stage.broker()
        let error = try await fails(.registrationMissing) { try await stage.login() }
        let tried = [
            "--client-id", "TOKENKEEP_MICROSOFT_CLIENT_ID", "MICROSOFT_OAUTH_CLIENT_ID", "stored registration",
        ]
        for place in tried {
            #expect(error.message.contains(place))
        }
        // The portal's steps, with what to enter there to the letter.
        for step in ["https://entra.microsoft.com", "Mobile and desktop applications"] {
            #expect(error.help.contains(step))
        }
        let lines = error.help.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        #expect(lines.contains("http://localhost/callback"), "\(error.help)")
        #expect(try await stage.entries().isEmpty)

        #expect(try await broker.registration("microsoft") == nil)
        let registration = try await broker.setRegistration("microsoft", clientID: stored)
        #expect(registration.provider == "microsoft")
        #expect(registration.clientID == stored)
        #expect(!registration.hasClientSecret)
        #expect(abs(registration.storedAt.timeIntervalSinceNow) < 60)
        #expect(try await broker.registration("microsoft") == registration)
        let made = try await stage.login { $0.connection = "a" }
        #expect(made.clientID == stored)
        #expect(try await stage.lastAsked()["client_id"].string == stored)
        // Variables are a process's own.
        let known = ["MICROSOFT_OAUTH_CLIENT_ID": knownVariable]
        #expect(try await clientElsewhere(stage, "b", known) == knownVariable)
        let both = known.merging(["TOKENKEEP_MICROSOFT_CLIENT_ID": ownVariable]) { $1 }
        #expect(try await clientElsewhere(stage, "c", both) == ownVariable)
        #expect(try await clientElsewhere(stage, "d", both, clientID: option) == option)
    }
}

@Test func login_again_remembers_client_tenant_and_scopes() async throws {
    try await Stage.microsoft { stage in
        stage.named = LoginOptions()
        let broker = try stage.broker()
        func loginAtFirst() async throws {
            try await stage.login {
                $0.clientID = clientID
                $0.tenant = "organizations"
                $0.scopes = ["Mail.Read", "Calendars.Read"]
            }
        }
        try await loginAtFirst()
        let before = try await stage.lastAsked()["parameters"]
        try await stage.login()
        let again = try await stage.lastAsked()
        #expect(again["path"] == "/organizations/oauth2/v2.0/authorize")
        for same in ["client_id", "scope"] {
            #expect(before[same].exists)
            #expect(again["parameters"][same] == before[same])
        }
        // A registration that was stored since is the user's newer word.
        try await broker.setRegistration("microsoft", clientID: stored)
        try await stage.login { $0.clientID = clientID }
        try await broker.setRegistration("microsoft", clientID: stored)
        try await stage.login()
        #expect(try await stage.lastAsked()["client_id"].string == stored)
        try await loginAtFirst()
        // What is named replaces what is remembered.
        let changed = try await stage.login {
            $0.tenant = "contoso.example"
            $0.scopes = ["User.Read"]
        }
        let asked = try await stage.lastAsked()
        #expect(asked["path"] == "/contoso.example/oauth2/v2.0/authorize")
        #expect(asked["parameters"]["scope"] == "User.Read openid profile offline_access")
        #expect(changed.tenant == "contoso.example")
        #expect(changed.requestedScopes.contains("User.Read"))
        #expect(!changed.requestedScopes.contains("Mail.Read"))
    }

    // The issuer of a server that was found through it.
    try await Stage.oidc { stage in
        try await stage.login { $0.scopes = ["openid", "email"] }
        stage.named = LoginOptions()
        try await stage.login()
        #expect(try await stage.lastAsked()["parameters"]["scope"] == "openid email offline_access")
    }
}

@Test func two_connections_of_one_provider() async throws {
    try await Stage.microsoft { stage in
        try await stage.login { $0.connection = "work" }
        try await stage.login {
            $0.connection = "me@example.com"
            $0.tenant = "consumers"
        }
        let all = try await stage.broker().connections()
        #expect(all.connections.map(\.connection) == ["me@example.com", "work"])
        #expect(all.damaged.isEmpty)
        let work = try await stage.token(connection: "work")
        let own = try await stage.token(connection: "me@example.com")
        #expect(work != own)
        #expect(work.secret != own.secret)
        #expect([work.connection, own.connection] == ["work", "me@example.com"])
        // No connection stands in for one that was not named.
        try await fails(.notConnected) { try await stage.token() }

        let outcome = try await stage.logout("work")
        #expect(outcome.provider == "microsoft")
        #expect(outcome.connection == "work")
        try await fails(.notConnected) { try await stage.token(connection: "work") }
        #expect(try await stage.accessToken(connection: "me@example.com") == own.secret)
    }
}
