// Names: what a call is given arrives under the core's names, and every member of a record is read. Records that take a
// login are in tests/behaviour/swift.

import Foundation
import Testing

@testable import Tokenkeep

@Test func every_argument_has_the_name_that_the_core_knows() async throws {
    try await withStore { options in
        let login = LoginOptions(
            connection: "work", scopes: ["read"], addScopes: ["write"], prompt: "login", loginHint: "me",
            domainHint: "example.com", claims: "{}", clientCapabilities: ["cp1"], tenant: "t", cloud: "global",
            issuer: "https://issuer.example", resource: "https://mcp.example/mcp", wwwAuthenticate: ["Bearer"],
            values: ["subdomain": "acme"], clientMetadataURL: "https://app.example/client.json", dpop: true, clientID: "c", clientSecret: "s", certificate: "pem",
            credentialFile: URL(fileURLWithPath: "/secret"), credentialKeychain: "service/account",
            credentialExpires: "2027-01-31", redirectURI: "http://127.0.0.1/callback", flow: .deviceCode, paste: true,
            timeout: 1)
        var all = Request("github", login)
        all.minLifetime = 1
        all.forceRefresh = true
        all.replaces = "old"
        all.allowExtended = true
        all.refused = "old"
        all.method = "GET"
        all.url = "https://mcp.example/mcp"
        all.accessToken = "token"
        all.nonce = "nonce"
        all.file = "file"
        all.text = "text"
        all.state = "state"
        all.callbackURL = "http://127.0.0.1/callback"
        for (name, value) in Mirror(reflecting: all).children {
            #expect("\(value)" != "nil", "\(name ?? "") is not tried here")
        }
        // The core refuses a name that it does not know, whatever is asked for.
        let broker = try Broker(options)
        let github: Provider = try await broker.ask("provider", all)
        #expect(github.name == "github")

        let opening = BrokerOptions(
            home: options.home, keySource: .file, passphrase: "p", lockWait: 1, insecureLoopback: true)
        for (name, value) in Mirror(reflecting: Opening(opening)).children {
            #expect("\(value)" != "nil", "\(name ?? "") is not tried here")
        }
        #expect(try Broker(opening).home.path == options.home?.path)
    }
}

@Test func providers_say_what_they_are() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let all = try await broker.providers()
        let names = all.providers.map(\.name)
        #expect(names == names.sorted() && Set(["github", "mcp", "microsoft"]).isSubset(of: names) && all.damaged.isEmpty)
        let github = try await broker.provider("github")
        #expect(all.providers.contains(github))
        #expect(github.displayName == "GitHub" && github.accessTokenVariable == "GITHUB_TOKEN", "\(github)")
        let token = try #require(github.endpoints.first { $0.name == "token" })
        #expect(token.url.hasPrefix("https://github.com/"), "\(token)")
        #expect(github.origin == .bundled && github.file == nil && !github.discovery)
        #expect(github.definition.contains("name = \"github\""))
        #expect(try await broker.provider("oidc").discovery)
        let mail = try await broker.provider("microsoft").presets.first { $0.name == "mail-read" }
        #expect(mail?.scopes == ["https://graph.microsoft.com/Mail.Read"] && github.presets.isEmpty)

        #expect(github.documentation?.hasPrefix("https://") != false && github.values.isEmpty)

        let file = try #require(options.home).appendingPathComponent("mine.toml")
        try Data(github.definition.replacingOccurrences(of: "\"github\"", with: "\"mine\"").utf8).write(to: file)
        let mine = try await broker.addProvider(file)
        #expect(mine.name == "mine" && mine.origin == .user)
        #expect(try String(contentsOfFile: try #require(mine.file), encoding: .utf8) == mine.definition)

        let more = "[values.sub_domain]\ndescription = \"Your subdomain\"\ndefault = \"www\"\n"
        try Data((mine.definition + more).utf8).write(to: file)
        let value = try #require(try await broker.addProvider(file).values.first)
        #expect(value.name == "sub_domain" && value.default == "www" && !value.learnt, "\(value)")
        #expect(value.description == "Your subdomain")

        // One that is broken hides nobody.
        try Data("name = ".utf8).write(to: URL(fileURLWithPath: try #require(mine.file)))
        let found = try await broker.providers()
        #expect(found.providers == all.providers && found.damaged.map(\.code) == [.configInvalid])
        #expect(try await broker.removeProvider("mine"))
        #expect(try await !broker.removeProvider("mine"))
    }
}

@Test func a_list_of_scopes_is_looked_at() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let check = try await broker.checkScopes("microsoft", ["mail-read", "Files.Read"])
        #expect(check.scopes == ["https://graph.microsoft.com/Mail.Read", "Files.Read"])
        #expect(check.resources == ["https://graph.microsoft.com"])
        let finding = try #require(check.findings.first)
        #expect(check.findings.count == 1 && finding.kind == .offlineAccessMissing, "\(check)")
        #expect(finding.scopes == ["offline_access"] && !finding.help.isEmpty, "\(finding)")
        #expect(finding.message.hasPrefix("offline_access is missing"), "\(finding)")

        // Every kind has its name here.
        let more: [(scopes: [String], kind: ScopeCheck.Finding.Kind)] = [
            (["Mail.Read", "Mail.ReadWrite"], .covered), (["Mail.Read", "outlook-imap"], .severalResources),
            (["Directory.Read.All"], .adminConsentNeeded),
            (["User.Read", "https://graph.microsoft.com/.default"], .defaultBesideOthers),
            (["mail-raed"], .unknownPreset),
        ]
        for (scopes, kind) in more {
            let found = try await broker.checkScopes("microsoft", scopes + ["offline_access"]).findings.map(\.kind)
            #expect(found == [kind], "\(scopes)")
        }
    }
}

@Test func an_explanation_says_who_must_do_what() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let known = try await broker.explain("AADSTS65001: no consent. Earlier: AADSTS50076")
        #expect(known.map(\.code) == ["AADSTS65001", "AADSTS50076"] && known.last?.who == "user", "\(known)")
        let first = try #require(known.first)
        #expect(first.name == "DelegationDoesNotExist" && first.command?.hasPrefix("tokenkeep ") == true, "\(first)")
        #expect(!first.meaning.isEmpty && !first.remedy.isEmpty, "\(first)")
    }
}

@Test func an_administrator_is_asked_and_answers() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let asked = try await broker.adminConsentURL(
            "microsoft", tenant: "contoso.example", clientID: "mine", scopes: ["User.Read"])
        let address = asked.url.absoluteString
        #expect(address.contains("contoso.example") && address.contains(asked.state), "\(asked)")
        let tenant = "61dc0a5c-2d3e-4f6a-8b7c-9d0e1f2a3b4c"
        let query = "admin_consent=True&tenant=\(tenant)&state=\(asked.state)&scope=User.Read"
        let answer = try #require(URL(string: "\(asked.redirectURI)?\(query)"))
        let given = try await broker.readAdminConsent(state: asked.state, callbackURL: answer)
        #expect(given.tenant == tenant && given.scopes == ["User.Read"], "\(given)")
        let error = try await failure {
            try await broker.readAdminConsent(state: "of another request", callbackURL: answer)
        }
        #expect(error.code == .providerRejected)
    }
}

@Test func registrations_say_what_they_are() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        #expect(try await broker.registration("github") == nil)
        let stored = try await broker.setRegistration("github", clientID: "mine", clientSecret: "s3cret")
        #expect(stored.provider == "github" && stored.clientID == "mine" && stored.hasClientSecret)
        #expect(abs(stored.storedAt.timeIntervalSinceNow) < 60)
        #expect(try await broker.registration("github") == stored)
        let removed = try #require(try await broker.removeRegistration("github"))
        #expect(removed.provider == "github" && removed.issuer == nil)
        #expect(removed.deletion == .notManaged && removed.detail == nil)
        #expect(try await broker.removeRegistration("github") == nil)
    }
}

@Test func a_registration_is_for_one_issuer() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let issuer = "https://issuer.example"
        let stored = try await broker.setRegistration("mcp", clientID: "mine", issuer: issuer)
        #expect(stored.issuer == issuer && !stored.dynamic)
        #expect(try await broker.registration("mcp", issuer: issuer) == stored)
        #expect(try await broker.registration("mcp", issuer: "https://other.example") == nil)
        #expect(try await broker.removeRegistration("mcp", issuer: issuer) != nil)
    }
}

@Test func a_document_makes_its_address_a_client() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let address = try #require(URL(string: "https://app.example/client.json"))
        let document = Data(try await broker.clientMetadataDocument(address).utf8)
        let members = try JSONSerialization.jsonObject(with: document) as? [String: Any]
        #expect(members?["client_id"] as? String == address.absoluteString)
        let other = try #require(URL(string: "http://app.example"))
        #expect(try await failure { try await broker.clientMetadataDocument(other) }.code == .configInvalid)
    }
}

@Test func a_name_that_a_provider_gives_stays_as_it_is() async throws {
    let written = try JSON.written(Request("acme", LoginOptions(values: ["api_domain": "eu", "subDomain": "x"])))
    #expect(written.contains("\"api_domain\"") && written.contains("\"subDomain\""), "\(written)")
    let read: [String: [String: String]] = try JSON.read(#"{"values": {"api_domain": "eu"}}"#)
    #expect(read == ["values": ["api_domain": "eu"]])
}

@Test func a_call_for_a_resource_is_for_its_connection() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let resource = "https://mcp.example/mcp"
        let url = try #require(URL(string: resource))
        let calls: [() async throws -> Void] = [
            { _ = try await broker.token("mcp", resource: resource) },
            { _ = try broker.cachedToken("mcp", resource: resource) },
            { _ = try await broker.tokenAfterRefusal("mcp", refused: "x", resource: resource) },
            { _ = try await broker.connection("mcp", resource: resource) },
            { _ = try await broker.allowedHosts("mcp", resource: resource) },
            { _ = try await broker.logout("mcp", resource: resource) },
        ]
        for call in calls {
            let error = try await failure { try await call() }
            #expect(error.code == .notConnected && error.message.contains("mcp.example-mcp"), "\(error)")
        }
        // Whose key, is the first question of a proof.
        _ = try await failure { try await broker.dpopProof("mcp", method: "GET", url: url, resource: resource) }
    }
}

@Test func a_look_at_the_store_says_what_is_there() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let before = try await broker.inspect()
        #expect(before.key == .noVault && before.id == nil && before.keySource == nil && before.keyError == nil)
        let made = try await broker.initialize()
        #expect(made.key == .found && made.keySource == .file && made.id != nil)
        #expect(made.home == options.home?.path && broker.home.path == made.home)
        #expect(made.connections == 0 && made.registrations == 0 && made.keptAside.isEmpty)
        #expect(!made.files.isEmpty)
        #expect(made.files.allSatisfy { ($0.mode ?? 0) & 0o77 == 0 && !$0.openToOthers }, "\(made.files)")
        try await broker.setRegistration("github", clientID: "mine")
        #expect(try await broker.inspect().registrations == 1)

        try FileManager.default.removeItem(at: broker.home.appendingPathComponent("vault.key"))
        let missing = try await Broker(options).inspect()
        #expect(missing.key == .missing && missing.keyError?.code == .storeLocked, "\(missing)")
    }
}

@Test func a_record_survives_the_json_of_a_program() async throws {
    try await withStore { options in
        let broker = try Broker(options)
        let registration = try await broker.setRegistration("github", clientID: "mine")
        let written = try JSONEncoder().encode(registration)
        #expect(try JSONDecoder().decode(Registration.self, from: written) == registration)
        let provider = try await broker.provider("github")
        #expect(try JSONDecoder().decode(Provider.self, from: JSONEncoder().encode(provider)) == provider)
    }
}
