// App-only access: a client that asks in its own name, by a secret, a certificate or a private key, and nobody who logs
// in.

import Foundation
import Support
import Testing
import Tokenkeep

private let secret = "canary-s3cret"
private let graph = "https://graph.microsoft.com/.default"
private let vault = "https://vault.azure.net/.default"

private func vector(_ name: String) -> URL {
    root.appendingPathComponent("tests/vectors/client_certificate/\(name)")
}

/// What stands in these files of the vectors, one after the other.
private func pem(_ names: [String]) throws -> String {
    try names.map { try String(contentsOf: vector($0), encoding: .utf8) }.joined()
}

/// Microsoft, where the client has a secret and a certificate.
private func microsoft(_ test: (Stage) async throws -> Void) async throws {
    try await Stage.microsoft(
        "--client", "\(clientID):\(secret)", "--client-certificate", "\(clientID):\(vector("rsa.crt").path)",
        test: test)
}

/// Logs in as the application, of one organization unless another tenant is named.
@discardableResult
private func loginAsApplication(_ stage: Stage, _ options: (inout LoginOptions) -> Void) async throws -> Connection {
    try await stage.login(interaction: Interaction()) {
        $0.flow = .clientCredentials
        $0.tenant = "contoso.com"
        options(&$0)
    }
}

private func asked(_ stage: Stage) async throws -> [Value] {
    try await stage.asked("client_credentials")
}

@Test func login_as_an_application_with_a_secret() async throws {
    try await microsoft { stage in
        for tenant in ["common", "organizations", "consumers"] {
            let error = try await fails(.configInvalid) {
                try await loginAsApplication(stage) {
                    $0.clientSecret = secret
                    $0.tenant = tenant
                }
            }
            #expect(error.message.contains(tenant) && error.help.contains("--tenant"), "\(error)")
        }
        let missing = try await fails(.registrationMissing) { try await loginAsApplication(stage) { _ in } }
        for way in ["client-secret", "certificate", "credential-file", "credential-keychain"] {
            #expect(missing.message.contains(way), "\(missing)")
        }
        #expect(missing.help.contains("Certificates & secrets"), "\(missing)")
        let noFile = try await fails(.configInvalid) {
            let file = stage.home.path.appendingPathComponent("no-such-file")
            return try await loginAsApplication(stage) { $0.credentialFile = file }
        }
        #expect(noFile.message.contains("no-such-file"), "\(noFile)")
        #expect(try await stage.entries().isEmpty)

        // A wrong secret is said at the login, and keeps nothing.
        try await fails(.providerRejected) { try await loginAsApplication(stage) { $0.clientSecret = "canary-wrong" } }
        #expect(try stage.records().isEmpty)

        let connection = try await loginAsApplication(stage) { $0.clientSecret = secret }
        #expect(connection.application && !connection.hasRefreshToken, "\(connection)")
        #expect(connection.grantedScopes == [graph] && connection.account.username == nil, "\(connection)")
        let request = try #require(try await asked(stage).last)
        #expect(request["path"] == "/contoso.com/oauth2/v2.0/token")
        #expect(request["client_authentication"] == "client_secret_post")
        let parameters = request["parameters"].members
        #expect(parameters.keys.sorted() == ["client_id", "client_secret", "grant_type", "scope"])
        #expect(parameters["scope"]?.string == graph)

        // One token for each resource, kept fresh as a person's are; any permission of a resource means all of them.
        let before = try await asked(stage).count
        let token = try await stage.token()
        #expect(try await stage.resource(token.secret) == 200)
        #expect(try await stage.token(scopes: ["Mail.Read"]) == token)
        #expect(try await asked(stage).count == before)
        let other = try await stage.token(scopes: ["https://vault.azure.net/user_impersonation"])
        #expect(try await stage.token(scopes: [vault]) == other && other != token)
        #expect(try await asked(stage).count == before + 1)
        #expect(try await asked(stage).last?["parameters"]["scope"].string == vault)
        let newer = try await stage.token(forceRefresh: true)
        #expect(newer != token)
        #expect(try await asked(stage).last?["parameters"]["scope"].string == graph)

        // What the server refuses ends nothing.
        try await stage.change(["secrets_expired": true])
        try await fails(.providerRejected) { try await stage.token(forceRefresh: true) }
        #expect(try await stage.token() == newer)
        #expect(try await stage.connection().status == .connected)
        try await stage.change(["secrets_expired": false])
        #expect(try await stage.resource(stage.accessToken(forceRefresh: true)) == 200)

        // The next login needs the flow alone.
        stage.named = LoginOptions()
        let again = try await loginAsApplication(stage) { $0.tenant = nil }
        #expect(again.application && again.tenant == "contoso.com" && again.clientID == clientID, "\(again)")
        let outcome = try await stage.logout()
        #expect(outcome.revocation == .notSupported)
        #expect(try #require(outcome.detail).contains("nothing to revoke"), "\(outcome)")
    }

    try await Stage.acme { stage in
        try await fails(.unsupported) {
            try await stage.login {
                $0.flow = .clientCredentials
                $0.clientSecret = secret
            }
        }
    }
}

@Test func login_as_an_application_with_a_certificate() async throws {
    try await microsoft { stage in
        try await stage.change(["assertion_replay": "refused"])
        let wrong = [
            (["rsa.crt"], "no private key"), (["rsa.key"], "the certificate beside"),
            (["late.crt", "rsa.key"], "not that of its certificate"), (["ec.crt", "ec.key"], "not for RSA"),
            (["rsa.crt", "encrypted.key"], "encrypted"),
        ]
        for (names, why) in wrong {
            let certificate = try pem(names)
            let error = try await fails(.configInvalid) {
                try await loginAsApplication(stage) { $0.certificate = certificate }
            }
            #expect(error.message.contains(why), "\(error)")
            #expect(!"\(error)".contains("PRIVATE KEY"))
        }
        let file = try stage.home.write("credential.pem", pem(["rsa.crt", "rsa.key"]))
        // A certificate says itself when it ends, and is for no login of a person.
        try await fails(.configInvalid) {
            try await loginAsApplication(stage) {
                $0.credentialFile = file
                $0.credentialExpires = "2027-01-31"
            }
        }
        try await fails(.configInvalid) { try await stage.login { $0.credentialFile = file } }
        #expect(try await stage.entries().isEmpty)

        let connection = try await loginAsApplication(stage) { $0.credentialFile = file }
        #expect(connection.credentialExpiresAt == Date(timeIntervalSince1970: 2_486_487_522), "2048-10-16T18:58:42Z")
        // The record has it: the file may go.
        try FileManager.default.removeItem(at: file)
        let first = try await stage.token()
        #expect(try await stage.token(forceRefresh: true) != first)
        try await loginAsApplication(stage) { _ in }
        let requests = try await asked(stage)
        #expect(requests.count == 3)
        for request in requests {
            #expect(request["client_authentication"] == "private_key_jwt" && request["outcome"]["status"] == 200)
            #expect(!request["parameters"]["client_secret"].exists, "\(request)")
        }
        #expect(Set(requests.map { $0["parameters"]["client_assertion"] }).count == 3, "an assertion for each")

        let whole = try pem(["rsa.key", "rsa.crt"])
        let inMemory = try await loginAsApplication(stage) {
            $0.connection = "memory"
            $0.certificate = whole
        }
        #expect(inMemory.credentialExpiresAt == connection.credentialExpiresAt)
    }
}

@Test func login_as_an_application_with_a_private_key() async throws {
    let kinds = [
        ("ec.key", "ec.pub", "rsa.key"), ("ec_sec1.key", "ec.pub", "rsa.key"), ("rsa_pkcs1.key", "rsa.pub", "ec.key"),
    ]
    for (name, publicKey, other) in kinds {
        try await Stage.acme("--client-key", "nightly:\(vector(publicKey).path)") { stage in
            let definition = "\(try stage.definition)\n[client_credentials]\nscopes = [\"read\"]\n"
            try await stage.broker().addProvider(stage.home.write("application.toml", definition))
            func logIn(_ options: (inout LoginOptions) -> Void) async throws -> Connection {
                try await loginAsApplication(stage) {
                    $0.tenant = nil
                    $0.clientID = "nightly"
                    options(&$0)
                }
            }
            let (key, unfit, stranger) = (try pem([name]), try pem(["p384.key"]), try pem([other]))
            let refused = try await fails(.configInvalid) { try await logIn { $0.certificate = unfit } }
            #expect(refused.message.contains("neither RSA nor on P-256"), "\(refused)")
            #expect(try await stage.entries().isEmpty)
            // Somebody else's key is not this client's.
            try await fails(.providerRejected) { try await logIn { $0.certificate = stranger } }

            let before = try await asked(stage).count
            let file = try stage.home.write("credential.pem", key)
            let connection = try await logIn { $0.credentialFile = file }
            #expect(connection.application && connection.credentialExpiresAt == nil, "a key alone does not end")
            // The record has it: the file may go. Each request has an assertion of its own, made for the issuer; the
            // server refuses one that it has seen, and any for its token endpoint.
            try FileManager.default.removeItem(at: file)
            let first = try await stage.accessToken()
            #expect(try await stage.resource(first) == 200)
            #expect(try await stage.accessToken(forceRefresh: true) != first)
            try await stage.login(interaction: Interaction()) { $0.flow = .clientCredentials }
            let requests = try await asked(stage).dropFirst(before)
            #expect(requests.count == 3, "\(name)")
            for request in requests {
                #expect(request["client_authentication"] == "private_key_jwt" && request["outcome"]["status"] == 200)
            }
            // A program that has the key at hand needs no file.
            let named = try await logIn {
                $0.connection = "named"
                $0.certificate = key
            }
            #expect(named.application)
        }
    }
}

@Test func expiring_client_secret_is_warned_about() async throws {
    try await microsoft { stage in
        let broker = try stage.broker()
        func login(until day: String?, _ text: String = secret) async throws -> Connection {
            try await loginAsApplication(stage) {
                $0.clientSecret = text
                $0.credentialExpires = day
            }
        }
        /// The program is told the day, and says it in words of its own; the command line, in the same store, in these.
        func warnings() async throws -> String { try await stage.home.tokenkeep("list").stderr }

        // A day that is ten days from now, as a token that lives as long has it.
        try await stage.change(["access_token_lifetime": 864_000])
        let undated = try await login(until: nil)
        #expect(undated.credentialExpiresAt == nil)
        #expect(try await warnings().isEmpty)
        let day = try #require(undated.expiresAt).formatted(.iso8601.year().month().day())
        try await fails(.configInvalid) { try await login(until: "31.1.2027") }
        let far = try await login(until: "2999-12-31")
        #expect(far.credentialExpiresAt == Date(timeIntervalSince1970: 32_503_593_600))
        #expect(try await warnings().isEmpty)
        let dated = try await login(until: day)
        #expect(try dated.credentialExpiresAt == Date("\(day)T00:00:00Z", strategy: .iso8601))
        #expect(try await stage.connection() == dated)
        let warning = "warning: the client secret or certificate of microsoft ends on \(day): "
        #expect(try await warnings().hasPrefix(warning))

        // After that day a refusal says what it means, and what to do.
        let first: Value = ["access_token": "access-first", "token_type": "Bearer", "expires_in": 3600]
        try await stage.fault([
            "endpoint": "token", "grant_type": "client_credentials",
            "action": [
                "type": "reply", "status": 200, "headers": [["content-type", "application/json"]],
                "body": .text(try first.json),
            ],
        ])
        let old = try await login(until: "2020-01-31", "canary-old")
        #expect(old.credentialExpiresAt == Date(timeIntervalSince1970: 1_580_428_800))
        #expect(try await warnings().contains("of microsoft ended on 2020-01-31: "))
        let error = try await fails(.providerRejected) { try await stage.token(forceRefresh: true) }
        let set = "tokenkeep client set microsoft --client-id \(clientID) --client-secret-stdin"
        #expect(error.help.contains("ended on 2020-01-31") && error.help.contains(set), "\(error)")

        // A secret that is stored since is the one that counts, and there is nothing left to warn about.
        try await broker.setRegistration("microsoft", clientID: clientID, clientSecret: secret)
        #expect(try await stage.resource(stage.accessToken(forceRefresh: true)) == 200)
        #expect(try await stage.connection().credentialExpiresAt == nil)
        #expect(try await warnings().isEmpty)
        try await broker.removeRegistration("microsoft")
        #expect(try await stage.resource(stage.accessToken(forceRefresh: true)) == 200)
    }
}
