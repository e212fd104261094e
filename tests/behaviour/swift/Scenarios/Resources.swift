// One grant, many resources: a token for each, kept by itself, and the one refresh token that brings them all.

import Foundation
import Support
import Testing
import Tokenkeep

private let graph = "https://graph.microsoft.com"
private let mail = "https://outlook.office365.com/IMAP.AccessAsUser.All"
private let sites = "https://contoso.sharepoint.com/AllSites.Read"
private let vault = "https://vault.azure.net/.default"

@Test func one_login_many_resources() async throws {
    try await Stage.microsoft { stage in
        try await stage.login()
        let first = try await stage.accessToken()
        var tokens: Set = [first]
        for scope in [mail, sites, vault] {
            let token = try await stage.accessToken(scopes: [scope])
            // Kept by itself: the next call sends nothing, and takes the place of no other.
            #expect(try await stage.accessToken(scopes: [scope]) == token)
            #expect(tokens.insert(token).inserted, "\(scope)")
        }
        #expect(try await stage.accessToken() == first)
        #expect(try await stage.accessToken(scopes: ["User.Read"]) == first)

        let refreshes = try await stage.refreshes()
        #expect(refreshes.count == 3, "one for each resource that was new")
        for (refresh, scope) in zip(refreshes, [mail, sites, vault]) {
            let asked = try #require(refresh["parameters"]["scope"].string).split(separator: " ").map(String.init)
            #expect(Set(asked) == [scope, "openid", "profile", "offline_access"])
            #expect(refresh["outcome"]["reuse"] == false && !refresh["parameters"]["resource"].exists, "\(refresh)")
        }
        let resources = [
            graph, "https://outlook.office365.com", "https://contoso.sharepoint.com", "https://vault.azure.net",
        ]
        #expect(try await stage.connection().accessTokens.map(\.resource) == resources)
        #expect(try await stage.token(scopes: [mail]).resource == resources[1])
        // One that is at hand is so without a wait, too.
        #expect(try stage.broker().cachedToken("microsoft", scopes: [vault])?.resource == resources[3])

        // Each is refreshed by itself: a new one here leaves the others as they are.
        #expect(!tokens.contains(try await stage.accessToken(scopes: [mail], forceRefresh: true)))
        #expect(tokens.contains(try await stage.accessToken(scopes: [sites])))
        #expect(try await stage.accessToken() == first)
        let forced = try await stage.refreshes()
        #expect(forced.count == 4)
        #expect(forced.last?["parameters"]["scope"].string?.contains(mail) == true)

        // A token is for one resource.
        let error = try await fails(.configInvalid) { try await stage.token(scopes: ["User.Read", mail]) }
        #expect(error.message.contains("https://outlook.office365.com"), "\(error)")
    }
}

@Test func resource_without_consent_ends_nothing() async throws {
    try await Stage.microsoft { stage in
        try await stage.login()
        try await stage.atRefresh([
            "type": "error", "error": "invalid_grant", "suberror": "consent_required", "numbers": [65001],
        ])
        let error = try await fails(.consentRequired) { try await stage.token(scopes: [mail]) }
        #expect(error.message.contains(mail), "\(error)")
        #expect(error.help.contains("`tokenkeep login microsoft --add-scopes \"\(mail)\"`"), "\(error)")
        // The same question has the same answer for a minute, whoever asks; others are not held up.
        let again = try await fails(.consentRequired) { try await stage.broker().token("microsoft", scopes: [mail]) }
        #expect(again.help == error.help)
        #expect(try await stage.refreshes().count == 1)
        #expect(try await stage.token(scopes: [sites]).resource == "https://contoso.sharepoint.com")
        _ = try await stage.accessToken(forceRefresh: true)
        try await fails(.consentRequired) { try await stage.token(scopes: [mail]) }
        #expect(try await stage.refreshes().count == 3)

        // Personal accounts are told the same without a suberror. It says nothing of the grant.
        try await stage.atRefresh(["type": "error", "error": "invalid_grant", "numbers": [70000]])
        try await fails(.consentRequired) { try await stage.token(scopes: [vault]) }
        #expect(try await stage.connection().status == .connected)
        _ = try await stage.accessToken(forceRefresh: true)

        // What was granted once and is refused now is the end of the grant.
        try await stage.revokeAll()
        try await fails(.loginRequired) { try await stage.token(scopes: [sites], forceRefresh: true) }
        let connection = try await stage.connection()
        #expect(connection.status == .loginRequired && connection.loginRequired == .grantEnded, "\(connection)")
    }
}

@Test func extended_life_is_served_while_the_server_is_down() async throws {
    func loginExtended(_ stage: Stage) async throws {
        try await stage.atRedemption(["type": "mutate", "set": ["ext_expires_in": 3600]])
        try await stage.loginExpired()
    }
    try await Stage.microsoft { stage in
        try await loginExtended(stage)
        try await stage.atRefresh(["type": "reply", "status": 503, "body": "<html>down</html>"], times: 3)
        try await fails(.network) { try await stage.token() }
        let extended = try await stage.token(allowExtended: true)
        let end = try #require(extended.expiresAt).timeIntervalSinceNow
        #expect(end > 3500 && end <= 3600, "the end of the extended life: \(extended)")
        // Not for whoever has found it to be of no use, and not for whoever did not ask for it.
        try await fails(.network) { try await stage.token(forceRefresh: true, allowExtended: true) }
        try await stage.server.control("DELETE", "faults")
        let renewed = try await stage.token()
        #expect(renewed != extended)
        #expect(try await stage.token(allowExtended: true) == renewed)
    }

    // What the server refuses is no outage.
    try await Stage.microsoft { stage in
        try await loginExtended(stage)
        try await stage.revokeAll()
        try await fails(.loginRequired) { try await stage.token(allowExtended: true) }
    }
}
