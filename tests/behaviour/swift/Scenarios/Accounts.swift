// Whose grant it is: tenants, guests, and who may take an account's place.

import Foundation
import Support
import Testing
import Tokenkeep

/// The work tenant of whoever signs in at `common`, and another.
private let home = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"
private let other = "11111111-2222-4333-8444-555555555555"
/// The tenant of personal accounts.
private let personal = "9188040d-6c67-4c5b-b112-36a304b66dad"
private let anna = "anna@contoso.example"

/// What an id_token says of an account of `tenant`.
private func claims(_ stage: Stage, _ tenant: String) -> [String: Value] {
    ["iss": .text("\(stage.server.origin)/\(tenant)/v2.0"), "tid": .text(tenant)]
}

/// An answer whose id_token says so.
private func answer(_ claims: [String: Value], set: [String: Value] = [:]) -> Value {
    ["type": "mutate", "set": .object(set), "id_token": ["set": .object(claims)]]
}

@Test func account_is_known_by_oid_and_tid() async throws {
    try await Stage.microsoft { stage in
        let account = try await stage.login { $0.loginHint = anna }.account
        let oid = try #require(account.objectID)
        #expect(account.tenantID == home && !account.guest, "\(account)")
        #expect(account.homeAccountID == "\(oid).\(home)")

        // She has another name and another mailbox now, and is who she was.
        let renamed = "anna@fabrikam.example"
        try await stage.atRedemption(
            answer(["preferred_username": .text(renamed), "name": "A", "sub": "another"]))
        #expect(try await stage.login { $0.addScopes = ["Mail.Read"] }.account.username == renamed)
        // Somebody else has her name now, or the same id in another tenant.
        let kept = try stage.records()
        for somebodyElse in [["oid": .text(other)], claims(stage, other)] {
            try await stage.atRedemption(answer(somebodyElse))
            try await fails(.providerRejected) {
                try await stage.login {
                    $0.addScopes = ["Mail.Send"]
                    $0.loginHint = anna
                }
            }
            #expect(try stage.records() == kept, "\(somebodyElse)")
        }

        // A guest: the tenant that signs them in is not their home. They are another account there.
        let atHome: Value = ["uid": .text(oid), "utid": .text(home)]
        let clientInfo = Data(try atHome.json.utf8).base64EncodedString().replacingOccurrences(of: "=", with: "")
        let oidThere = "8188040d-6c67-4c5b-b112-36a304b66dad"
        try await stage.atRedemption(
            answer(
                claims(stage, other).merging(["oid": .text(oidThere)]) { $1 },
                set: ["client_info": .text(clientInfo)]))
        let guest = try await stage.login {
            $0.connection = "guest"
            $0.tenant = other
        }.account
        #expect(guest.guest && guest.tenantID == other && guest.objectID == oidThere, "\(guest)")
        #expect(guest.homeAccountID == "\(oid).\(home)")
    }
}

@Test func tenants_are_told_apart() async throws {
    try await Stage.microsoft { stage in
        // What each authority signs in, and what it does not, however well the answer fits together.
        let authorities = [
            ("consumers", personal, home), ("organizations", home, personal), (other, other, home),
            (personal, personal, other),
        ]
        for (authority, good, bad) in authorities {
            let before = try stage.records()
            try await stage.atRedemption(answer(claims(stage, bad)))
            let error = try await fails(.providerRejected) { try await stage.login { $0.tenant = authority } }
            #expect(error.message.contains("tenant") && error.help.contains("--tenant"), "\(authority): \(error)")
            #expect(try stage.records() == before, "\(authority)")
            let connection = try await stage.login {
                $0.tenant = authority
                $0.connection = authority
            }
            #expect(connection.account.tenantID == good, "\(authority)")
        }
        // `common` is for all of them.
        try await stage.atRedemption(answer(claims(stage, personal)))
        #expect(try await stage.login { $0.tenant = "common" }.account.tenantID == personal)

        // Two organizations by their domains, whose GUIDs their metadata tells: neither answers for the other.
        func login(at domain: String) async throws -> Connection {
            try await stage.login {
                $0.tenant = domain
                $0.connection = domain
            }
        }
        let (contoso, fabrikam) = ("contoso.example", "fabrikam.example")
        let tenants = [
            try #require(try await login(at: contoso).account.tenantID),
            try #require(try await login(at: fabrikam).account.tenantID),
        ]
        #expect(tenants[0] != tenants[1])
        for (domain, swapped) in [(contoso, tenants[1]), (fabrikam, tenants[0])] {
            let kept = try stage.records()
            try await stage.atRedemption(answer(claims(stage, swapped)))
            try await fails(.providerRejected) { try await login(at: domain) }
            #expect(try stage.records() == kept)
            // Nor in a refresh.
            let token = try await stage.token(connection: domain)
            try await stage.atRefresh(answer(claims(stage, swapped)))
            try await fails(.providerRejected) { try await stage.token(connection: domain, forceRefresh: true) }
            #expect(try await stage.token(connection: domain) == token)
        }

        // A domain that is nobody's is said before anybody is asked; metadata of a stranger is not believed.
        let before = try await stage.asked("authorization_code").count
        @discardableResult
        func login(
            fails code: TokenkeepError.Code, metadata status: Int, _ body: Value
        ) async throws -> TokenkeepError {
            let action: Value = ["type": "reply", "status": .number(Double(status)), "body": .text(try body.json)]
            try await stage.fault(["endpoint": "metadata", "action": action])
            return try await fails(code) {
                try await stage.login {
                    $0.tenant = "nobody.example"
                    $0.connection = "new"
                }
            }
        }
        let unknown: Value = ["error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."]
        let error = try await login(fails: .configInvalid, metadata: 400, unknown)
        #expect(error.message.contains("nobody.example"), "\(error)")
        let stranger: Value = ["issuer": .text("https://evil.example/\(other)/v2.0")]
        try await login(fails: .providerRejected, metadata: 200, stranger)
        try await login(fails: .network, metadata: 503, [:])
        #expect(try await stage.asked("authorization_code").count == before)
    }
}
