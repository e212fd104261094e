// Protected resources: a login that is told nothing but the address of one, and tokens that are for it alone.

import Foundation
import Support
import Testing
import Tokenkeep

private let unknown = "https://unknown.example/mcp"
private let anywhere = "http://127.0.0.1:9/callback"

/// Changes the resource that the server has beside itself.
private func change(_ stage: Stage, _ options: Value) async throws {
    try await stage.change(["protected_resource": options])
}

/// A request to the resource, with this token if there is one.
private func ask(_ stage: Stage, _ token: String? = nil) async throws -> Response {
    try await Http.get(address(stage.resourceURL), headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:])
}

/// What the resource says of the token that it wants.
private func challenge(_ answer: Response) throws -> String {
    try #require(answer.header("WWW-Authenticate"))
}

/// The scopes of the last authorization request.
private func scopesAsked(_ stage: Stage) async throws -> String? {
    try await stage.lastAsked()["parameters"]["scope"].string
}

/// Each of these requests, of which there are some, names the resource.
private func isNamed(
    _ resource: String, in entries: [Value], at location: SourceLocation = #_sourceLocation
) {
    #expect(!entries.isEmpty, sourceLocation: location)
    for entry in entries {
        #expect(entry["parameters"]["resource"].string == resource, "\(entry)", sourceLocation: location)
    }
}

/// The name that an address on this machine gives its connection.
private func name(of text: String) throws -> String {
    let url = try address(text)
    let (host, port) = (try #require(url.host), try #require(url.port))
    return "\(host)-\(port)" + url.path.replacingOccurrences(of: "/", with: "-")
}

@Test func login_to_a_resource_finds_its_server() async throws {
    for place: Value in ["path", "root", "elsewhere", "nowhere"] {
        try await Stage.mcpByHand { stage in
            let resource = stage.resourceURL
            try await change(stage, ["place": place])
            // No connection is named, nor a server: the resource stands for both.
            let connection = try await stage.login()
            #expect(try connection.connection == name(of: resource), "\(place)")
            #expect(connection.resource == resource && connection.issuer == stage.server.issuer, "\(connection)")
            #expect(try await stage.broker().connection("mcp", resource: resource) == connection, "\(place)")
            let token = try await stage.token(for: resource)
            #expect(token.resource == resource && token.connection == connection.connection, "\(place): \(token)")
            #expect(try await stage.resource(token.secret) == 200, "\(place)")
            // Asked once, without a token, and told where to look.
            let asked = try await stage.entries("resource")
            #expect(asked.map { $0["authorization"].bool } == [false, true], "\(place): \(asked)")
            let newer = try await stage.token(for: resource, forceRefresh: true)
            #expect(try await stage.resource(newer.secret) == 200 && newer != token, "\(place)")
            // What the login found is in the record: nothing is looked up for a token.
            #expect(try await stage.entries("metadata").count == 1, "\(place)")
        }
    }

    // What the origin calls itself as an issuer nobody has written down: a slash more is no mismatch there.
    try await Stage.mcpByHand { stage in
        try await change(stage, ["place": "nowhere"])
        try await stage.change(["metadata": ["set": ["issuer": "\(stage.server.origin)/"]]])
        #expect(try await stage.beginLogin().url.absoluteString.hasPrefix(stage.server.origin))
        try await change(stage, ["place": "path"])
        try await fails(.providerRejected) { try await stage.login() }
    }

    // A token is for the resource that it was asked for, and for no other.
    try await Stage.mcpByHand { stage in
        let connection = try await stage.login().connection
        let origin = stage.server.origin
        let other = "\(origin)/mcp/other"
        for forceRefresh in [false, true] {
            let error = try await fails(.notConnected) {
                try await stage.token(for: other, connection: connection, forceRefresh: forceRefresh)
            }
            let command = "`tokenkeep login --connection \(connection) --resource \(other)`"
            #expect(error.help.contains(command), "\(error)")
        }
        let error = try await fails(.notConnected) { try await stage.token(for: other) }
        #expect(error.help.contains("`tokenkeep login --resource \(other)`"), "\(error)")
        let broker = try stage.broker()
        try await fails(.notConnected) {
            try broker.cachedToken("mcp", connection: connection, resource: other)
        }
        let own = stage.resourceURL
        #expect(try await broker.cachedToken("mcp", resource: own) == stage.token(for: own))
        // A name that two resources come to is not taken from the first without a word.
        let (alike, again) = ("\(origin)/mcp?a", "\(origin)/mcp-a")
        try await change(stage, ["place": "root", "resource": .text(origin)])
        try await stage.login { $0.resource = alike }
        let taken = try await fails(.configInvalid) { try await stage.login { $0.resource = again } }
        #expect(taken.help.contains("--connection NAME"), "\(taken)")
        // The host's own document may speak for it, and the person's spelling still finds the connection.
        #expect(try await stage.token(for: alike).resource == origin)
        try await fails(.notConnected) { try await stage.token(for: again) }
        let unnamed = try await fails(.configInvalid) { try await stage.login { $0.resource = nil } }
        #expect(unnamed.help.contains("--resource"), "\(unnamed)")
    }
}

@Test func resource_metadata_of_another_is_refused() async throws {
    try await Server.another { stranger in
        try await Stage.mcpByHand { stage in
            let own = stage.server.origin
            // Another host, another path, its own host where the path was asked, and what only looks the same.
            let https = stage.resourceURL.replacingOccurrences(of: "http:", with: "https:")
            for other in ["\(stranger.origin)/mcp", "\(own)/mcp/", "\(own)/mcp/other", own, https] {
                try await change(stage, ["resource": .text(other)])
                let error = try await fails(.providerRejected) { try await stage.login() }
                #expect(error.message.contains("that of another resource"), "\(other): \(error)")
            }
            // A document of another host is not even asked for, whatever it says.
            let elsewhere = "\(stranger.origin)/.well-known/oauth-protected-resource/mcp"
            try await change(stage, ["resource": nil, "named_url": .text(elsewhere)])
            let error = try await fails(.providerRejected) { try await stage.login() }
            #expect(error.message.contains(stranger.origin), "\(error)")
            // Nor when a program hands on the challenge.
            let handed = try await challenge(ask(stage))
            try await fails(.providerRejected) { try await stage.login { $0.wwwAuthenticate = [handed] } }
            #expect(try await stranger.entries.isEmpty)
            #expect(try await stage.entries("authorize").isEmpty)
            #expect(try stage.records().isEmpty)

            // A server in trouble does not say that there is no document: nobody else is asked in its place.
            try await change(stage, ["named_url": nil])
            for status: Value in [500, 503, 429] {
                let trouble: Value = ["type": "reply", "status": status, "body": ""]
                try await stage.fault(["endpoint": "resource_metadata", "times": 2, "action": trouble])
                try await fails(.network) { try await stage.login() }
            }
            #expect(try await stage.entries("metadata").isEmpty)
            #expect(try stage.records().isEmpty)
            try await stage.server.control("DELETE", "faults")
            #expect(try await stage.login().status == .connected)
        }
    }
}

@Test func resource_is_named_in_every_request() async throws {
    try await Stage.mcpByHand { stage in
        let resource = stage.resourceURL
        try await stage.change(["resource_indicators": ["mode": "required"]])
        try await stage.login { $0.scopes = ["read"] }
        _ = try await stage.token(for: resource, forceRefresh: true)
        isNamed(resource, in: try await stage.entries("authorize"))
        isNamed(resource, in: try await stage.entries("token"))
        #expect(try await stage.refreshes().count == 1)
    }

    // A device code, and an application, which needs no scope.
    try await Stage.mcpByHand { stage in
        let resource = stage.resourceURL
        try await stage.change(["device_interval": 1, "device_approve_after": 0])
        try await stage.login(interaction: Interaction(showDeviceAuthorization: { _ in })) { $0.flow = .deviceCode }
        isNamed(resource, in: try await stage.entries("device"))
        try await stage.login(interaction: Interaction()) {
            $0.flow = .clientCredentials
            $0.connection = "app"
            $0.clientID = "confidential-basic"
            $0.clientSecret = "s3cret:with%special+chars &="
        }
        let token = try await stage.token(for: resource, connection: "app", forceRefresh: true)
        #expect(try await stage.resource(token.secret) == 200)
        let asked = try await stage.asked("client_credentials")
        #expect(asked.count == 2)
        #expect(asked.allSatisfy { !$0["parameters"]["scope"].exists }, "\(asked)")
        isNamed(resource, in: try await stage.entries("token"))
    }

    // Any provider takes one, if its server does; what the server does not know is said with its name.
    try await Stage.oidc { stage in
        let resource = "\(stage.server.origin)/mcp"
        #expect(try await stage.login { $0.resource = resource }.resource == resource)
        isNamed(resource, in: try await stage.entries("authorize"))
        isNamed(resource, in: try await stage.entries("token"))
        let error = try await fails(.providerRejected) { try await stage.login { $0.resource = unknown } }
        #expect(error.help.contains(unknown), "\(error)")
    }
    try await Stage.microsoft { stage in
        let error = try await fails(.configInvalid) { try await stage.login { $0.resource = unknown } }
        #expect(error.help.contains("--scopes"), "\(error)")
        #expect(try await stage.entries().isEmpty)
    }
}

@Test func scopes_of_a_challenge_are_asked_for() async throws {
    try await Stage.mcpByHand { stage in
        let resource = stage.resourceURL
        // Nobody says anything: what the server lists itself is asked for, and nothing else.
        try await stage.login { $0.connection = "none" }
        #expect(try await scopesAsked(stage) == "offline_access")
        try await stage.change(["metadata": ["remove": ["scopes_supported"]]])
        try stage.reopen()
        try await stage.login { $0.connection = "bare" }
        #expect(try await scopesAsked(stage) == nil)
        try await change(stage, ["scopes_supported": ["read", "offline_access"]])
        try await stage.login { $0.connection = "listed" }
        #expect(try await scopesAsked(stage) == "read")
        try await change(stage, ["challenge_scope": "read write"])
        try await stage.login { $0.connection = "challenged" }
        #expect(try await scopesAsked(stage) == "read write")
        func loginNamed(_ options: LoginOptions) async throws {
            try await stage.login {
                $0.connection = "named"
                $0.scopes = options.scopes
                $0.resource = options.resource ?? resource
            }
        }
        try await loginNamed(LoginOptions(scopes: ["write"]))
        #expect(try await scopesAsked(stage) == "write")

        // A connection that is made another resource's is asked for what that wants.
        try await loginNamed(LoginOptions(resource: "\(resource)/other"))
        #expect(try await scopesAsked(stage) == "read write")
        try await loginNamed(LoginOptions(scopes: ["write"]))

        // A request that needs more is answered with the login that gets it.
        try await change(stage, ["required_scopes": ["admin"]])
        let token = try await stage.token(for: resource, connection: "challenged").secret
        let refused = try await ask(stage, token)
        #expect(refused.status == 403)
        let more = try challenge(refused)
        func after() async throws -> AccessToken? {
            try await stage.broker().tokenAfterRefusal(
                "mcp", refused: token, wwwAuthenticate: [more], connection: "challenged")
        }
        let error = try await fails(.scopeNotGranted) { try await after() }
        let command = "tokenkeep login --connection challenged --resource \(resource) --add-scopes \"admin\""
        #expect(error.help.contains(command), "\(error)")
        try await stage.login {
            $0.connection = "challenged"
            $0.addScopes = ["admin"]
        }
        #expect(try await scopesAsked(stage) == "read write admin")
        // A grant that has it all is refused for another reason: no login is asked for in vain.
        #expect(try await after() == nil)
        #expect(try await stage.resource(stage.accessToken(connection: "challenged")) == 200)

        // A program hands on what it was answered with: the resource is not asked again.
        let before = try await stage.entries("resource")
        var options = stage.named
        options.connection = "named"
        options.redirectURI = anywhere
        options.wwwAuthenticate = [more]
        let pending = try await stage.broker().beginLogin("mcp", options)
        // A form's space is a plus, which a URL of Foundation leaves as it is.
        #expect(pending.authorizationURL.parameter("scope") == "write+admin")
        #expect(try await stage.entries("resource") == before)
    }
}

@Test func authorization_server_may_change() async throws {
    try await Server.another { second in
        try await Stage.mcpByHand { stage in
            let resource = stage.resourceURL
            let (one, two) = (stage.server.issuer, second.issuer)
            try await second.change(["resource_indicators": ["known": [.text(resource)]]])
            #expect(try await stage.login { $0.scopes = ["read", "offline_access"] }.issuer == one)

            // As long as the first is listed it stays, wherever it stands; another is a person's choice.
            try await change(stage, ["authorization_servers": [.text(two), .text(one)]])
            #expect(try await stage.login().issuer == one)
            let error = try await fails(.configInvalid) {
                try await stage.login { $0.issuer = "https://other.example" }
            }
            #expect(error.help.contains(two), "\(error)")
            #expect(try await second.entries.isEmpty)

            // It moves. The grant goes back to where it came from, until a login; that takes nothing along.
            try await change(stage, ["authorization_servers": [.text(two)]])
            _ = try await stage.token(for: resource, forceRefresh: true)
            #expect(try await second.entries.isEmpty)
            try await fails(.registrationMissing) { try await stage.login { $0.clientID = nil } }
            #expect(try await stage.login().issuer == two)
            let before = try await stage.entries()
            _ = try await stage.token(for: resource, forceRefresh: true)
            #expect(try await stage.entries() == before, "the first is asked for nothing more")
            let asked = try #require(try await second.entries.first { $0["endpoint"] == "authorize" })["parameters"]
            #expect(asked["scope"] == "offline_access", "\(asked)")
            #expect(!asked["login_hint"].exists, "\(asked)")

            // A server that does not promise S256 gets no person's login of a resource's.
            try await second.change(["metadata": ["remove": ["code_challenge_methods_supported"]]])
            try stage.reopen()
            let unsafe = try await fails(.unsupported) { try await stage.login() }
            #expect(unsafe.message.contains("S256"), "\(unsafe)")
        }
    }
}
