// Clients that nobody registers by hand, and whose client is whose.

import Foundation
import Support
import Testing
import Tokenkeep

private let document = "https://app.example/oauth/client.json"
private let secret = "s3cret:with%special+chars &="

extension Stage {
    /// The last request to this endpoint.
    fileprivate func lastEntry(_ endpoint: String) async throws -> Value {
        try #require(try await entries(endpoint).last, "nothing came to \(endpoint)")
    }

    /// The client of the last authorization request.
    fileprivate func lastClient() async throws -> String? {
        try await lastAsked()["client_id"].string
    }

    /// The ids of the clients that registered themselves at its server.
    fileprivate func registeredClients() async throws -> Set<String> {
        try await server.registeredClients()
    }

    /// The client that is kept for the server of this stage, as any program of its store finds it.
    fileprivate func kept() async throws -> Registration? {
        try await broker().registration(provider, issuer: server.issuer)
    }

    /// Removes it.
    fileprivate func removeKept() async throws -> RegistrationRemoval? {
        try await broker().removeRegistration(provider, issuer: server.issuer)
    }

    /// The client of a login, to the end.
    fileprivate func client(
        _ connection: String, _ change: (inout LoginOptions) -> Void = { _ in }
    ) async throws -> String {
        try await login {
            $0.connection = connection
            change(&$0)
        }.clientID
    }
}

extension Server {
    /// The ids of the clients that registered themselves.
    fileprivate func registeredClients() async throws -> Set<String> {
        Set(try await control("GET", "clients").list.compactMap(\.string))
    }

    /// The clients that it has heard of.
    fileprivate func clients() async throws -> [String] {
        try await journal()["entries"].list.compactMap(\.["client_id"].string)
    }
}

/// A server beside that of a stage.
private func withAnotherServer(_ test: (Server) async throws -> Void) async throws {
    let server = try await Server()
    do {
        try await test(server)
    } catch {
        try await server.stop()
        throw error
    }
    try await server.stop()
}

@Test func client_is_registered_by_program() async throws {
    try await Stage.mcp { stage in
        // Two logins at once make one client, which later ones take as well.
        try await stage.fault(["endpoint": "register", "action": ["type": "delay", "milliseconds": 1500]])
        var clients = Set(try await together(["a", "b"]) { try await stage.client($0) })
        for connection in ["c", "a"] { clients.insert(try await stage.client(connection)) }
        #expect(clients.count == 1)
        #expect(try await stage.registeredClients() == clients)
        #expect(try await stage.journal()["registrations"] == 1)
        let client = try #require(try await stage.lastClient())
        #expect(clients == [client])
        let request = try await stage.lastEntry("register")
        let asked = request["parameters"]
        let wanted = [
            "client_name": "Tokenkeep", "application_type": "native", "redirect_uris": "http://127.0.0.1/callback",
            "token_endpoint_auth_method": "none",
        ]
        for (name, value) in wanted {
            #expect(asked[name].string?.contains(value) == true, "\(name): \(asked)")
        }
        #expect(request["authorization"] == false, "\(request)")
        let grants = try #require(asked["grant_types"].string)
        #expect(grants.contains("authorization_code") && !grants.contains("client_credentials"), "\(asked)")
        let registration = try #require(try await stage.kept())
        #expect(registration.dynamic && registration.clientID == client, "\(registration)")
        #expect(registration.issuer == stage.server.issuer && !registration.hasClientSecret, "\(registration)")
        let token = try await stage.accessToken(connection: "b", forceRefresh: true)
        #expect(try await stage.resource(token) == 200)
    }

    // What the server says counts: a client that is to prove itself does.
    for method in ["client_secret_basic", "client_secret_post"] {
        try await Stage.mcp { stage in
            try await stage.change(["registration": ["auth_method": .text(method), "status": 200]])
            try await stage.login { $0.connection = "a" }
            _ = try await stage.token(connection: "a", forceRefresh: true)
            let proofs = try await stage.entries("token").map(\.["client_authentication"].string)
            #expect(proofs == [method, method])
            #expect(try await stage.kept()?.hasClientSecret == true)
        }
    }
}

@Test func registration_that_ended_is_made_anew() async throws {
    try await Stage.mcp { stage in
        // The server says that the secret has ended, and takes it all the same, so that the first login ends well.
        let registered: Value = [
            "client_id": "confidential-basic", "client_secret": .text(secret),
            "client_secret_expires_at": 1_600_000_000, "token_endpoint_auth_method": "client_secret_basic",
        ]
        try await stage.fault([
            "endpoint": "register",
            "action": [
                "type": "reply", "status": 201, "body": .text(try registered.json),
                "headers": [["content-type", "application/json"]],
            ],
        ])
        #expect(try await stage.client("a") == "confidential-basic")
        let first = try await stage.client("a")
        #expect(try await stage.registeredClients() == [first])
        #expect(try await stage.lastClient() == first)

        // Another redirect is another registration. One that a grant lives by stays at the server, and else it goes.
        let second = try await stage.client("b") { $0.redirectURI = "http://localhost/callback" }
        #expect(try await stage.registeredClients() == [first, second])
        _ = try await stage.token(connection: "a", forceRefresh: true)
        try await stage.logout("b")
        let third = try await stage.client("c")
        #expect(try await stage.registeredClients() == [first, third])
        #expect(third != second)

        // A client that the server forgot is known for it at the token endpoint, and the next login has another.
        try await stage.atRedemption(["type": "error", "status": 401, "error": "invalid_client"])
        let error = try await fails(.providerRejected) { try await stage.client("c") }
        #expect(error.help.contains("log in again"), "\(error)")
        let fourth = try await stage.client("c")
        #expect(fourth != third)
        #expect(try await stage.registeredClients().contains(fourth))
    }
}

@Test func registration_is_deleted_with_the_client() async throws {
    try await Stage.mcp { stage in
        try await stage.login { $0.connection = "a" }
        let removed = try #require(try await stage.removeKept())
        #expect(removed.provider == "mcp" && removed.issuer == stage.server.issuer, "\(removed)")
        #expect(removed.deletion == .deleted && removed.detail == nil, "\(removed)")
        #expect(try await stage.registeredClients().isEmpty)
        #expect(try await stage.connection("a").status == .connected, "the connection keeps its own copy")
        #expect(try await stage.kept() == nil)
        #expect(try await stage.removeKept() == nil)

        // A program that ends both revokes first, as the client that it then removes.
        try await stage.login { $0.connection = "a" }
        #expect(try await stage.logout("a").revocation == .revoked)
        #expect(try await stage.removeKept()?.deletion == .deleted)
        #expect(try await stage.registeredClients().isEmpty)

        // The copy here goes in any case, and what became of the client is said.
        try await stage.login { $0.connection = "a" }
        try await stage.fault(["endpoint": "register", "action": ["type": "reply", "status": 503, "body": "canary"]])
        let failed = try #require(try await stage.removeKept())
        #expect(failed.deletion == .failed && failed.detail?.contains("503") == true, "\(failed)")
        #expect(!"\(failed)".contains("canary"), "\(failed)")
        #expect(try await stage.kept() == nil)

        try await stage.change(["registration": ["management": false]])
        try await stage.login { $0.connection = "a" }
        #expect(try await stage.removeKept()?.deletion == .notManaged)
        #expect(try await stage.registeredClients().count == 2)
    }
}

@Test func client_is_known_by_its_document() async throws {
    try await Stage.mcp { stage in
        try await stage.change(["client_documents": ["enabled": true]])
        // What is printed is what is published.
        let printed = try Value(json: try await stage.broker().clientMetadataDocument(address(document)))
        try await stage.server.control("POST", "client-document", ["url": .text(document), "document": printed])
        #expect(try await stage.client("a") { $0.clientMetadataURL = document } == document)
        #expect(try await stage.lastClient() == document)
        #expect(try await stage.lastEntry("token")["client_authentication"] == "none")
        _ = try await stage.token(connection: "a", forceRefresh: true)
        // It is remembered, and nothing is left at the server.
        #expect(try await stage.client("a") == document)
        #expect(try await stage.journal()["registrations"] == 0)
        #expect(try await stage.kept() == nil)

        // A client that was given by hand goes before it, and a server that takes no documents has a client made.
        let given = try await stage.client("b") {
            $0.clientMetadataURL = document
            $0.clientID = "public"
        }
        #expect(given == "public")
        try await stage.change(["client_documents": ["enabled": false]])
        try stage.reopen()
        let made = try await stage.client("c") { $0.clientMetadataURL = document }
        #expect(try await stage.registeredClients() == [made])
    }
}

@Test func client_metadata_document_is_printed() async throws {
    try await Stage.mcp { stage in
        let broker = try stage.broker()
        let printed = try Value(json: try await broker.clientMetadataDocument(address(document)))
        #expect(printed["client_id"].string == document)
        let redirects = ["127.0.0.1", "[::1]", "localhost"].map { "http://\($0)/callback" }
        #expect(printed["redirect_uris"].list.map(\.string) == redirects)
        #expect(printed["token_endpoint_auth_method"] == "none")
        let bad = ["http://app.example/client.json", "https://app.example", "https://app.example/a?b", "client"]
        for url in bad {
            try await fails(.configInvalid) { try await broker.clientMetadataDocument(address(url)) }
            // Said before anybody is asked, whatever the server takes.
            try await fails(.configInvalid) { try await stage.login { $0.clientMetadataURL = url } }
        }
        #expect(try await stage.entries("register").isEmpty)
        #expect(try await stage.entries("authorize").isEmpty)
    }
}

@Test func client_of_one_issuer_is_never_used_at_another() async throws {
    let person = try program("stand-in-person")
    // Variables are a process's own.
    let variables = ["TOKENKEEP_OIDC_CLIENT_ID": "public", "TOKENKEEP_MCP_CLIENT_ID": "public"]
    try await Stage.oidc { stage in
        try await withAnotherServer { other in
            let (broker, issuer, known) = (try stage.broker(), stage.server.issuer, "confidential-basic")
            try await fails(.configInvalid) {
                try await broker.setRegistration("oidc", clientID: known, clientSecret: secret)
            }
            let stored = try await broker.setRegistration(
                "oidc", clientID: known, clientSecret: secret, issuer: issuer)
            #expect(stored.issuer == issuer && !stored.dynamic && stored.hasClientSecret, "\(stored)")
            stage.named = LoginOptions()
            #expect(try await stage.login { $0.issuer = issuer }.clientID == known)
            // Neither the stored client, nor that of the connection's earlier login.
            try await fails(.registrationMissing) { try await stage.login { $0.issuer = other.issuer } }
            #expect(try await stage.connection().issuer == issuer)
            #expect(try await broker.registration("oidc", issuer: other.issuer) == nil)

            // Variables count with an issuer that the user names.
            let elsewhere = try await Elsewhere(stage, environment: variables)
            #expect(try await elsewhere.run(Errand("oidc") { $0.person = person }).clientID == known)
            let named = Errand("oidc") { ($0.person, $0.issuer) = (person, other.issuer) }
            #expect(try await elsewhere.run(named).clientID == "public")
            let heard = try await other.clients()
            #expect(heard.contains("public") && !heard.contains(known), "\(heard)")
        }
    }

    // A resource that moves to another server is asked for a client there, from nothing.
    try await Stage.mcp { stage in
        try await withAnotherServer { other in
            let elsewhere = try await Elsewhere(stage, environment: variables)
            let login = Errand("mcp") { ($0.person, $0.resource) = (person, stage.resourceURL) }
            let first = try #require(try await elsewhere.run(login).clientID)
            #expect(try await stage.registeredClients() == [first])
            try await other.change([
                "registration": ["enabled": true], "resource_indicators": ["known": [.text(stage.resourceURL)]],
            ])
            try await stage.change(["protected_resource": ["authorization_servers": [.text(other.issuer)]]])
            let second = try #require(try await elsewhere.run(login).clientID)
            #expect(try await other.registeredClients() == [second])
            #expect(Set(try await other.clients()) == [second], "not \(first), and not that of the variable")
        }
    }
}

@Test func authorization_request_is_pushed() async throws {
    try await Stage.mcp { stage in
        try await stage.change(["pushed_requests": ["mode": "required"]])
        let login = try await stage.beginLogin { $0.scopes = ["openid", "read"] }
        let url = try await login.url
        let carried = URLComponents(url: url, resolvingAgainstBaseURL: false)?.queryItems?.map(\.name)
        #expect(carried == ["client_id", "request_uri"], "the browser carries nothing else")
        let pushed = try await stage.lastEntry("par")["parameters"]
        for name in ["state", "nonce", "code_challenge", "redirect_uri", "scope", "resource", "client_id"] {
            #expect(pushed[name].exists, "\(name): \(pushed)")
        }
        #expect(pushed["resource"].string == stage.resourceURL)
        #expect(try await Person.visit(url) == 0)
        #expect(try await login.ended.value.status == .connected)
    }

    // The client proves itself as at the token endpoint; 200 will do; a server that only offers it is taken up on it.
    try await Stage.oidc { stage in
        try await stage.change(["pushed_requests": ["mode": "on", "lifetime": 60, "status": 200]])
        let clients = [("confidential-basic", "client_secret_basic"), ("confidential-post", "client_secret_post")]
        for (client, method) in clients {
            let supported: Value = ["token_endpoint_auth_methods_supported": [.text(method)]]
            try await stage.change(["metadata": ["set": supported]])
            try stage.reopen()
            try await stage.login { ($0.clientID, $0.clientSecret) = (client, secret) }
            let pushed = try await stage.lastEntry("par")
            #expect(pushed["client_authentication"].string == method && pushed["client_id"].string == client)
        }
        // A program that receives the redirect itself pushes as well.
        var options = stage.named
        options.redirectURI = "http://127.0.0.1:1/callback"
        let pending = try await stage.broker().beginLogin("oidc", options)
        #expect(pending.authorizationURL.parameter("request_uri") != nil, "\(pending.authorizationURL)")

        let before = try await stage.entries("authorize")
        let answers: [(Value, TokenkeepError.Code)] = [
            (["type": "error", "status": 400, "error": "invalid_request"], .providerRejected),
            (["type": "error", "status": 401, "error": "invalid_client"], .providerRejected),
            (["type": "reply", "status": 201, "body": #"{"expires_in":60}"#], .providerRejected),
            (["type": "reply", "status": 503, "body": "canary"], .network),
        ]
        for (action, code) in answers {
            try await stage.fault(["endpoint": "par", "action": action])
            try await fails(code) { try await stage.login() }
        }
        try await stage.change([
            "pushed_requests": ["mode": "required"],
            "metadata": ["remove": ["pushed_authorization_request_endpoint"]],
        ])
        try stage.reopen()
        let error = try await fails(.unsupported) { try await stage.login() }
        #expect(error.help.contains("pushed_authorization_request_endpoint"), "\(error)")
        #expect(try await stage.entries("authorize") == before, "nobody was asked")
    }
}
