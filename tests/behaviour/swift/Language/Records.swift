// What a broker answers after a login: every member of every record, as it is documented.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func a_token_says_what_it_is() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let token = try await stage.token(scopes: ["read"])
        #expect(try await stage.resource(token.secret) == 200)
        #expect(token.authorizationHeader == "Bearer \(token.secret)")
        #expect(token.provider == "acme" && token.connection == "default" && token.tokenType == "Bearer")
        #expect(token.scopes.contains("read") && token.scopes.contains("write") && token.resource == nil)
        let minutes = try #require(token.expiresAt).timeIntervalSinceNow / 60
        #expect(minutes > 55 && minutes <= 60, "\(minutes) min")
        #expect(try stage.broker().cachedToken("acme") == token)
        #expect(try await stage.token(forceRefresh: true) != token)
    }
}

@Test func a_token_is_told_to_mail_servers() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let token = try await stage.token()
        let mechanisms: [(SASLMechanism, told: String)] = [
            (.xoauth2, "user=me@acme.example"), (.oauthbearer, "n,a=me@acme.example,"),
        ]
        for (mechanism, told) in mechanisms {
            let response = try #require(Data(base64Encoded: try token.sasl(mechanism, user: "me@acme.example")))
            #expect(response == Data("\(told)\u{1}auth=Bearer \(token.secret)\u{1}\u{1}".utf8))
        }
        let error = try await fails(.configInvalid) { try token.sasl(.xoauth2, user: "a\r\nb") }
        #expect(!"\(error)".contains(token.secret))
    }
}

@Test(arguments: [1, 4000, 5000, 20_000])
func a_token_may_be_of_any_length(length: Int) async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let secret = String(repeating: "a", count: length - 1) + "z"
        try await stage.atRefresh(["type": "mutate", "set": ["access_token": .text(secret)]])
        #expect(try await stage.accessToken(forceRefresh: true) == secret)
        #expect(try stage.broker().cachedToken("acme")?.secret == secret)
    }
}

@Test func a_connection_says_whose_it_is() async throws {
    try await Stage.microsoft { stage in
        let made = try await stage.login {
            $0.scopes = ["User.Read", "openid"]
            $0.tenant = "organizations"
        }
        let connection = try await stage.connection()
        #expect(connection == made)
        #expect(connection.provider == "microsoft" && connection.connection == "default")
        #expect(connection.status == .connected && connection.loginRequired == nil)
        #expect(connection.requestedScopes.contains { $0.hasSuffix("User.Read") }, "\(connection)")
        #expect(connection.grantedScopes.contains { $0.hasSuffix("User.Read") }, "\(connection)")
        #expect(connection.missingScopes == [] && connection.hasRefreshToken)
        #expect(!connection.application && connection.clientCapabilities == [])
        #expect(connection.credentialExpiresAt == nil && connection.accessTokens.count == 1)
        let held = try #require(connection.accessTokens.first)
        #expect(held.resource == "https://graph.microsoft.com" && held.scopes == connection.grantedScopes, "\(held)")
        #expect(held.expiresAt == connection.expiresAt)
        #expect(connection.clientID == clientID && connection.tenant == "organizations")
        #expect(connection.issuer?.hasPrefix(stage.server.origin) == true, "\(connection)")
        let minutes = try #require(connection.expiresAt).timeIntervalSinceNow / 60
        #expect(minutes > 55 && minutes <= 61, "\(minutes) min")
        #expect(abs(connection.loggedInAt.timeIntervalSinceNow) < 60 && connection.refreshedAt == nil)
        let account = connection.account
        for member in [
            account.subject, account.issuer, account.username, account.tenantID, account.objectID,
            account.homeAccountID,
        ] {
            #expect(member?.isEmpty == false, "\(account)")
        }
        #expect(!account.guest)
        #expect(try JSONDecoder().decode(Connection.self, from: JSONEncoder().encode(connection)) == connection)

        _ = try await stage.accessToken(forceRefresh: true)
        let refreshedAt = try #require(try await stage.connection().refreshedAt)
        #expect(refreshedAt >= connection.loggedInAt && abs(refreshedAt.timeIntervalSinceNow) < 60)
    }
}

@Test func a_user_code_is_shown_with_all_that_belongs_to_it() async throws {
    func shown(on stage: Stage) async throws -> DeviceAuthorization {
        try await stage.change(["device_interval": 1, "device_approve_after": 0])
        let login = try await stage.beginLogin { $0.flow = .deviceCode }
        #expect(try await login.ended.value.status == .connected)
        return try await login.device
    }
    try await Stage.acme { stage in
        let device = try await shown(on: stage)
        #expect(device.verificationURI == "\(stage.server.origin)/device" && device.expiresIn == 900)
        let complete = try #require(device.verificationURIComplete)
        #expect(!device.userCode.isEmpty && complete.hasPrefix(device.verificationURI), "\(device)")
        #expect(complete.contains(device.userCode) && device.message == nil, "\(device)")
    }
    try await Stage.microsoft { stage in
        let device = try await shown(on: stage)
        #expect(device.message?.contains(device.userCode) == true && device.verificationURIComplete == nil, "\(device)")
    }
}

@Test func a_logout_says_what_became_of_the_grant() async throws {
    try await Stage.acme { stage in
        try await stage.login { $0.connection = "work" }
        let outcome = try await stage.logout("work")
        #expect(outcome.provider == "acme" && outcome.connection == "work")
        #expect(outcome.revocation == .revoked && outcome.detail == nil)
    }
    try await Stage.microsoft { stage in
        try await stage.login()
        let outcome = try await stage.logout()
        #expect(outcome.revocation == .notSupported && outcome.detail?.isEmpty == false, "\(outcome)")
    }
}

@Test func a_token_at_hand_is_that_of_its_own_question_and_of_now() async throws {
    try await Stage.acme { stage in
        let broker = try stage.broker()
        let names = ["one", "two"]
        for name in names { try await stage.login { $0.connection = name } }
        func atHand(_ connection: String, minLifetime: TimeInterval? = nil) throws -> String? {
            try broker.cachedToken("acme", connection: connection, minLifetime: minLifetime)?.secret
        }
        let (one, two) = (try atHand("one"), try atHand("two"))
        #expect(one != nil && two != nil && one != two)
        // In turn, and more of them than are remembered.
        for round in 0..<40 {
            let lifetime = TimeInterval(round % 20)
            #expect(try atHand("two", minLifetime: lifetime) == two)
            #expect(try atHand("one", minLifetime: lifetime) == one)
        }
        #expect(try atHand("one", minLifetime: 7200) == nil)
        let other = try await stage.broker().token("acme", connection: "two", forceRefresh: true)
        #expect(try atHand("two") == other.secret)
        try await stage.broker().logout("acme", connection: "two")
        try await fails(.notConnected) { try atHand("two") }
        #expect(try atHand("one") == one)
    }
}
