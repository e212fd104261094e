// An administrator consents for all of their organization.

import Foundation
import Support
import Testing
import Tokenkeep

private let tenant = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"
private let personal = "9188040d-6c67-4c5b-b112-36a304b66dad"
private let registered = "http://localhost/callback"

/// The scopes that the address names. What else it names is what the request says.
private func scopes(_ request: AdminConsentRequest) -> String? {
    #expect(request.url.parameter("state") == request.state)
    #expect(request.url.parameter("redirect_uri") == request.redirectURI)
    #expect(request.state.count >= 43)
    // A query has spaces as a form has them.
    return request.url.parameter("scope")?.replacingOccurrences(of: "+", with: " ")
}

@Test func admin_consent_url_and_answer() async throws {
    try await Stage.microsoft { stage in
        let broker = try stage.broker()
        // Before anybody has logged in: what a login would ask for, without what is about the person.
        let missing = try await fails(.registrationMissing) { try await broker.adminConsentURL("microsoft") }
        #expect(missing.help.contains(registered), "\(missing)")
        let first = try await broker.adminConsentURL("microsoft", clientID: clientID)
        #expect(first.url.absoluteString.hasPrefix("\(stage.server.origin)/organizations/v2.0/adminconsent?"))
        #expect(first.url.parameter("client_id") == clientID)
        #expect(scopes(first) == "https://graph.microsoft.com/User.Read")
        #expect(first.redirectURI == registered)
        #expect(try await broker.adminConsentURL("microsoft", clientID: clientID).state != first.state)
        #expect(try await stage.entries().isEmpty, "nothing is sent")

        // What the connection has; what is named replaces it.
        try await stage.login {
            $0.tenant = "contoso.example"
            $0.scopes = ["User.Read", "Mail.Send"]
        }
        let own = try await broker.adminConsentURL("microsoft")
        #expect(own.url.path == "/contoso.example/v2.0/adminconsent")
        #expect(scopes(own) == "User.Read Mail.Send")
        let named = try await broker.adminConsentURL(
            "microsoft", tenant: tenant, scopes: ["teams-read"], redirectURI: "https://app.example/consented")
        #expect(named.url.path == "/\(tenant)/v2.0/adminconsent")
        #expect(named.redirectURI == "https://app.example/consented")
        #expect(try #require(scopes(named)).contains("Team.ReadBasic.All"))
        let china = try await broker.adminConsentURL("microsoft", tenant: "common", cloud: "china")
        #expect(china.url.host == "login.partner.microsoftonline.cn")
        #expect(china.url.path == "/organizations/v2.0/adminconsent")

        for wrong in ["consumers", personal, "../common"] {
            try await fails(.configInvalid) { try await broker.adminConsentURL("microsoft", tenant: wrong) }
        }
        for wrong in ["/consented", "https://app.example/#here"] {
            try await fails(.configInvalid) { try await broker.adminConsentURL("microsoft", redirectURI: wrong) }
        }
        try await fails(.configInvalid) {
            try await broker.adminConsentURL("microsoft", scopes: ["openid", "profile"])
        }
        try await fails(.unsupported) { try await broker.adminConsentURL("github") }

        // An administrator says yes, and another one no; the server is Entra's double.
        let request = try await broker.adminConsentURL("microsoft", tenant: tenant)
        try await stage.change(["person": "approve"])
        let yes = try await Person.redirected(request.url)
        let consent = try await broker.readAdminConsent(state: request.state, callbackURL: yes)
        #expect(consent.tenant == tenant && consent.scopes == ["User.Read", "Mail.Send"], "\(consent)")
        try await stage.change(["person": "deny"])
        let no = try await Person.redirected(request.url)
        let denied = try await fails(.accessDenied) {
            try await broker.readAdminConsent(state: request.state, callbackURL: no)
        }
        #expect(denied.help.contains("administrator"), "\(denied)")
        // Entra puts `admin_consent=True` into a refusal as well.
        let refusal = try yes.with(["error": "consent_required", "error_description": "AADSTS65004: User declined"])
        let declined = try await fails(.accessDenied) {
            try await broker.readAdminConsent(state: request.state, callbackURL: refusal)
        }
        #expect(declined.server?.error == "consent_required")

        // Only the answer to this request counts.
        let strange = try [
            yes.with(["state": "another"]), yes.with(["state": nil]), yes.with(["admin_consent": "False"]),
            address("\(yes)&state=\(request.state)"), no.with(["state": "x\(request.state)"]), address(registered),
        ]
        for answer in strange {
            try await fails(.providerRejected) {
                try await broker.readAdminConsent(state: request.state, callbackURL: answer)
            }
        }
        try await fails(.providerRejected) {
            try await broker.readAdminConsent(state: own.state, callbackURL: yes)
        }
    }
}
