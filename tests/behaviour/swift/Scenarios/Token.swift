// A token that is at hand, and a token that somebody wants to be fresher.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func cached_token_sends_nothing() async throws {
    try await Stage.oidc { stage in
        try await stage.login()
        let asked = try await stage.entries().count
        let token = try await stage.token()
        #expect([token.provider, token.connection, token.tokenType] == ["oidc", "default", "Bearer"])
        #expect(token.scopes == ["openid", "offline_access"])
        #expect(token.resource == nil)
        let minutes = try #require(token.expiresAt).timeIntervalSinceNow / 60
        #expect(minutes > 55 && minutes <= 60, "\(minutes) minutes")
        #expect(token.authorizationHeader == "Bearer \(token.secret)")
        var dumped = ""
        dump(token, to: &dumped)
        let mirrored = "\(Array(Mirror(reflecting: token).children))"
        for shown in [dumped, mirrored, "\(token)", String(reflecting: token)] {
            #expect(shown.contains("oidc") && !shown.contains(token.secret), "\(shown)")
        }
        #expect(!(token as Any is any Encodable))
        #expect(try stage.broker().cachedToken("oidc")?.secret == token.secret, "another broker has it too")
        #expect(try await stage.entries().count == asked)

        // Offline it is as good, and comes at once.
        try await stage.server.stop()
        try stage.reopen()
        #expect(try await stage.accessToken() == token.secret)
        #expect(try await stage.accessToken(scopes: ["openid"], minLifetime: 600) == token.secret)
        let broker = try stage.broker()
        #expect(try broker.cachedToken("oidc", scopes: ["openid"], minLifetime: 600) == token)
        for (provider, code) in [("google", TokenkeepError.Code.notConnected), ("nobody", .unknownProvider)] {
            try await fails(code) { try await broker.token(provider) }
            try await fails(code) { try broker.cachedToken(provider) }
        }
    }
}

@Test func forced_refresh() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let first = try await stage.accessToken()
        let second = try await stage.accessToken(forceRefresh: true)
        #expect(first != second)
        #expect(try await stage.accessToken() == second, "what was forced is what everybody gets")
        #expect(try stage.broker().cachedToken("acme")?.secret == second)
        #expect(try await stage.refreshes().count == 1)
        #expect(try await stage.resource(second) == 200)
    }
}

@Test func min_lifetime() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let first = try await stage.accessToken(minLifetime: 600)
        #expect(try await stage.refreshes() == [], "it is good for an hour")
        // A server gives what it gives: the newest is handed out, and asked for once.
        let cached = try stage.broker().cachedToken("acme", minLifetime: 7200)
        #expect(cached == nil, "a refresh is needed for that")
        let second = try await stage.accessToken(minLifetime: 7200)
        #expect(first != second)
        #expect(try await stage.refreshes().count == 1)
        // With a server that gives longer ones it is met.
        try await stage.change(["access_token_lifetime": 10_000])
        let third = try await stage.accessToken(minLifetime: 7200)
        #expect(try await stage.accessToken(minLifetime: 7200) == third)
        #expect(try await stage.refreshes().count == 2)
    }
}

@Test func refresh_in_is_served_and_refreshed() async throws {
    try await Stage.microsoft { stage in
        let broker = try stage.broker()
        /// The token that is handed out; what is fetched meanwhile has been written down.
        func settled(forceRefresh: Bool = false) async throws -> String {
            let token = try await broker.token("microsoft", forceRefresh: forceRefresh)
            try await broker.close()
            return token.secret
        }
        // Long enough to ask for the first token before it has passed, while all other scenarios run.
        try await stage.change(["refresh_in": 6])
        try await stage.login()
        try await stage.change(["refresh_in": nil])
        let first = try await settled()
        #expect(try await stage.refreshes() == [])
        // Past it the old token is served still, and a new one is fetched for the next caller.
        try await until {
            #expect(try await settled() == first)
            return try await !stage.refreshes().isEmpty
        }
        let second = try await settled()
        #expect(first != second)
        #expect(try await stage.refreshes().count == 1)
        #expect(try await stage.resource(second) == 200)

        // A server in trouble is no trouble while the token works.
        try await stage.change(["refresh_in": 3])
        let third = try await settled(forceRefresh: true)
        try await stage.atRefresh(["type": "reply", "status": 503, "body": "canary"])
        try await until {
            #expect(try await settled() == third)
            return try await stage.refreshes().count == 3
        }
        #expect(try await settled() == third)
    }
}

@Test func sasl_strings_for_mail_servers() async throws {
    try await Stage.microsoft { stage in
        let connection = try await stage.login { $0.scopes = ["outlook-imap", "outlook-smtp"] }
        let token = try await stage.token()
        func said(_ mechanism: SASLMechanism, _ user: String) throws -> String {
            let response = try #require(Data(base64Encoded: token.sasl(mechanism, user: user)))
            return String(decoding: response, as: UTF8.self)
        }
        // The mailbox of the account, or a shared one.
        for user in [try #require(connection.account.username), "shared@example.com"] {
            #expect(try said(.xoauth2, user) == "user=\(user)\u{1}auth=Bearer \(token.secret)\u{1}\u{1}")
        }
        let oauthbearer = "n,a=a=3Db=2Cc@example.com,\u{1}auth=Bearer \(token.secret)\u{1}\u{1}"
        #expect(try said(.oauthbearer, "a=b,c@example.com") == oauthbearer)
        for user in ["", "me\u{1}auth=Bearer x", "me\r\nLOGOUT"] {
            for mechanism in [SASLMechanism.xoauth2, .oauthbearer] {
                try await fails(.configInvalid) { try token.sasl(mechanism, user: user) }
            }
        }
    }
}
