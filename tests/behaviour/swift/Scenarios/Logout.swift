// A connection ends: at the server where that can be, and here in any case.

import Support
import Testing
import Tokenkeep

/// Nothing is left of the connection, and nobody says that there is.
private func expectGone(_ stage: Stage, _ connection: String? = nil) async throws {
    #expect(try stage.records().isEmpty)
    try await fails(.notConnected) { try await stage.token(connection: connection) }
    try await fails(.notConnected) { try await stage.connection(connection) }
    try await fails(.notConnected) { try await stage.logout(connection) }
    let all = try await stage.broker().connections()
    #expect(all.connections.isEmpty)
    #expect(all.damaged.isEmpty)
}

@Test func logout_revokes_and_deletes() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let token = try await stage.accessToken(forceRefresh: true)
        let refresh = try #require(try await stage.refreshes().first)
        let outcome = try await stage.logout()
        #expect(outcome.provider == "acme")
        #expect(outcome.connection == "default")
        #expect(outcome.revocation == .revoked)
        #expect(outcome.detail == nil)
        try await expectGone(stage)
        #expect(try await stage.resource(token) == 401, "the server ended it")
        let revocations = try await stage.entries("revoke")
        #expect(revocations.count == 1)
        // RFC 7009 2.1: with the refresh token the server ends the whole grant.
        let sent = try #require(revocations.first)["parameters"]
        let newest = refresh["outcome"]["issued"]["refresh_token"]
        #expect(sent["token_type_hint"] == "refresh_token")
        #expect(newest.exists)
        #expect(sent["token"] == newest)

        // One of two: the other goes on.
        try await stage.login { $0.connection = "a" }
        try await stage.login { $0.connection = "b" }
        #expect(try await stage.logout("a").connection == "a")
        try await fails(.notConnected) { try await stage.token(connection: "a") }
        #expect(try await stage.resource(await stage.accessToken(connection: "b")) == 200)
        #expect(try await stage.logout("b").revocation == .revoked)
        try await expectGone(stage, "b")

        // A grant that had ended is not asked about.
        try await stage.loginExpired()
        try await stage.revokeAll()
        try await fails(.loginRequired) { try await stage.token() }
        let asked = try await stage.entries("revoke").count
        #expect(try await stage.logout().revocation == .alreadyEnded)
        #expect(try await stage.entries("revoke").count == asked)
        try await expectGone(stage)
    }
}

@Test func logout_without_revocation_endpoint_says_so() async throws {
    try await Stage.microsoft { stage in
        try await stage.login()
        let outcome = try await stage.logout()
        #expect(outcome.revocation == .notSupported)
        #expect(try #require(outcome.detail).contains("https://myaccount.microsoft.com"))
        try await expectGone(stage)
    }
}

@Test func logout_when_the_server_is_down_still_deletes() async throws {
    try await Stage.acme { stage in
        func logoutFails() async throws {
            let outcome = try await stage.logout()
            #expect(outcome.revocation == .failed)
            let detail = try #require(outcome.detail)
            #expect(!detail.isEmpty)
            for hidden in ["canary", "refresh-", "access-"] {
                #expect(!detail.contains(hidden))
            }
            try await expectGone(stage)
        }
        let actions: [Value] = [
            ["type": "reply", "status": 503, "body": "canary"],
            ["type": "drop_before"],
            ["type": "error", "status": 401, "error": "invalid_client"],
        ]
        for action in actions {
            try await stage.login()
            try await stage.fault(["endpoint": "revoke", "action": action])
            try await logoutFails()
        }
        try await stage.login()
        try await stage.server.stop()
        try await logoutFails()
    }
}

@Test func logout_forgets_the_client() async throws {
    try await Stage.oidc { stage in
        let broker = try stage.broker()
        stage.named.clientID = nil
        let issuer = stage.server.issuer
        try await broker.setRegistration("oidc", clientID: "public", issuer: issuer)
        try await stage.login()
        // Only when it is asked for.
        try await stage.logout()
        #expect(try await broker.registration("oidc", issuer: issuer)?.clientID == "public")

        try await stage.login()
        try await stage.logout()
        #expect(try await broker.removeRegistration("oidc", issuer: issuer)?.deletion == .notManaged)
        #expect(try await broker.registration("oidc", issuer: issuer) == nil)
        #expect(try await broker.removeRegistration("oidc", issuer: issuer) == nil)
        try await fails(.registrationMissing) { try await stage.login() }
    }
}
