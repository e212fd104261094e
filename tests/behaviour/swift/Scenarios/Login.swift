// A person logs in with the browser, by pasting, or does not finish.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func login_with_the_browser() async throws {
    // Microsoft: the answer comes in a form.
    try await Stage.microsoft { stage in
        let connection = try await stage.login()
        #expect(connection.provider == "microsoft" && connection.connection == "default", "\(connection)")
        #expect(connection.status == .connected && connection.loginRequired == nil, "\(connection)")
        #expect(connection.account.username == "person@example.com")
        #expect(connection.clientID == clientID)
        #expect(connection.hasRefreshToken)
        #expect(abs(connection.loggedInAt.timeIntervalSinceNow) < 60)
        #expect(try #require(connection.expiresAt) > connection.loggedInAt)
        #expect(connection.refreshedAt == nil)

        let asked = try #require(try await stage.entries("authorize").first)
        #expect(asked["path"] == "/common/oauth2/v2.0/authorize")
        let parameters = asked["parameters"]
        let wanted: [String: Value] = [
            "client_id": .text(clientID),
            "response_type": "code",
            "response_mode": "form_post",
            "client_info": "1",
            "code_challenge_method": "S256",
            "prompt": "select_account",
            "scope": "https://graph.microsoft.com/User.Read openid profile offline_access",
        ]
        for (name, value) in wanted { #expect(parameters[name] == value, "\(name)") }
        let redirectURI = try #require(parameters["redirect_uri"].string)
        #expect(redirectURI.contains(/^http:\/\/localhost:\d+\/callback$/))
        #expect(parameters.members["resource"] == nil)

        let redemptions = try await stage.asked("authorization_code")
        #expect(redemptions.count == 1)
        let redeemed = try #require(redemptions.first)
        #expect(redeemed["path"] == "/common/oauth2/v2.0/token")
        #expect(redeemed["client_authentication"] == "none")
        #expect(redeemed["parameters"]["client_info"] == "1")
        #expect(redeemed["parameters"]["redirect_uri"] == .text(redirectURI))
        for absent in ["client_secret", "resource"] {
            #expect(redeemed["parameters"].members[absent] == nil, "\(absent)")
        }
        #expect(redeemed["origin"] == false, "Entra takes whoever sends an Origin for a web page")
        #expect(try await stage.resource(stage.accessToken()) == 200)
    }

    // Any other server: the answer comes in the address.
    try await Stage.oidc { stage in
        #expect(try await stage.login().issuer == stage.server.issuer)
        let asked = try #require(try await stage.entries("authorize").first)["parameters"]
        #expect(asked.members["response_mode"] == nil)
        #expect(try #require(asked["redirect_uri"].string).hasPrefix("http://127.0.0.1:"))
        #expect(asked["scope"] == "openid offline_access")
        // OIDC Core 11: offline_access is granted when consent is asked for.
        #expect(asked["prompt"] == "consent")
        #expect(try await stage.resource(stage.accessToken()) == 200)
    }
}

/// A person whose browser is on another machine. They paste what is no address, then a foreign answer, then the right
/// one.
private actor Pasting {
    let stage: Stage
    var url: URL?
    var pasted: URL?
    var told: [String] = []
    var reasons: [String] = []
    /// How many codes were redeemed when the right one was about to be pasted.
    var redeemed: Int?

    init(_ stage: Stage) {
        self.stage = stage
    }

    func open(_ url: URL) { self.url = url }

    func refuse(_ reason: String) {
        told.append("refused")
        reasons.append(reason)
    }

    func paste() async throws -> String {
        told.append("asked")
        if pasted == nil {
            guard let url else { throw TestFailure("nobody was sent anywhere") }
            pasted = try await Person.redirected(url)
            return "this is not an address"
        }
        guard let pasted else { throw TestFailure("nobody was sent back") }
        if reasons.count == 1 { return try pasted.with(["state": "x"]).absoluteString }
        redeemed = try await stage.asked("authorization_code").count
        return "  \(pasted.absoluteString)  \n"
    }
}

@Test func login_by_pasting_the_redirect_url() async throws {
    try await Stage.microsoft { stage in
        let person = Pasting(stage)
        let interaction = Interaction(
            openURL: { await person.open($0) },
            readRedirectURL: { try await person.paste() },
            responseRefused: { await person.refuse($0) })
        let connection = try await stage.login(interaction: interaction) { $0.paste = true }
        #expect(connection.status == .connected)
        #expect(await person.told == ["asked", "refused", "asked", "refused", "asked"])
        #expect(await !person.reasons.contains(""))
        #expect(await person.redeemed == 0, "a foreign answer is not redeemed")
        // A form post cannot be pasted.
        #expect(try #require(await person.url).parameter("response_mode") == nil)

        // Nobody pastes anything.
        let nobody = try await stage.beginLogin {
            $0.paste = true
            $0.connection = "other"
        }
        try await fails(.unsupported) { try await nobody.ended.value }
    }
}

@Test func login_denied() async throws {
    try await Stage.microsoft { stage in
        try await stage.change(["person": "form"])
        let error = try await fails(.accessDenied) {
            try await stage.login(interaction: stage.browser("--deny"))
        }
        #expect(error.message.contains("access_denied"))
        #expect(error.server?.error == "access_denied")
        #expect(try await stage.asked("authorization_code").isEmpty)
        #expect(try stage.records().isEmpty)
        // The same person has another thought.
        #expect(try await stage.login().status == .connected)
    }
}

@Test func login_timed_out() async throws {
    try await Stage.microsoft { stage in
        let begun = ContinuousClock.now
        let login = try await stage.beginLogin { $0.timeout = 1 }
        let port = try await login.port
        #expect(try await Http.get(login.redirect()).status != 200, "the redirect is listened to")
        let error = try await fails(.loginTimedOut) { try await login.ended.value }
        let took = ContinuousClock.now - begun
        #expect(took >= .seconds(1) && took < .seconds(5), "\(took)")
        #expect(error.help.contains("timeout"))
        #expect(try await isClosed(port))
        #expect(try stage.records().isEmpty)
    }
}
