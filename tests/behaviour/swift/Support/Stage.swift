// The stage of the scenarios: a scripted server, a store whose provider points at it, and a person with a browser.
//
//   | file              | holds                                                           |
//   |-------------------|-----------------------------------------------------------------|
//   | `Stage.swift`     | `Stage`: the server, the store, a broker between them           |
//   | `Server.swift`    | the scripted authorization server                               |
//   | `Home.swift`      | a store in a temporary folder                                   |
//   | `UnderWay.swift`  | a login that waits for its person                               |
//   | `Person.swift`    | what a person and a browser do, for tests that look at each step|
//   | `Program.swift`   | a program that notes what a login tells it                      |
//   | `Http.swift`      | one request at a time                                           |
//   | `Failure.swift`   | how a call says that it failed                                  |
//   | `Turns.swift`     | how many stages are played at once                              |
//   | `Elsewhere.swift` | another process, which asks for tokens of the same store        |
//   | `Resources.swift` | what a stage of a protected resource has beside that            |
//   | `Together.swift`  | calls that are made at once                                     |
//   | `Processes.swift` | the workspace's programs, and a process that is run to its end  |
//   | `Value.swift`     | JSON as the server speaks it                                    |
//
// May not enter: a sleep. What is waited for is a callback, an end, or an entry in the server's journal.

import Foundation
import Tokenkeep

/// A client id that Entra takes: any GUID is one.
public let clientID = "5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55"

/// A server, a store, and a provider between them, for as long as a test's body runs.
public final class Stage: @unchecked Sendable {
    // Unchecked: what changes, a test changes before it asks.
    public let home: Home
    public let server: Server
    /// The provider's name.
    public let provider: String
    /// What a first login has to name besides.
    public var named: LoginOptions
    private var current: Broker
    private var logins: [UnderWay] = []

    private init(_ server: Server, _ provider: String, _ named: LoginOptions, _ home: Home) throws {
        self.home = home
        self.server = server
        self.provider = provider
        self.named = named
        current = try Broker(home.options)
    }

    /// A provider file of the user's own, for a strict server that rotates and detects reuse. `alone` is for what
    /// measures a moment, or keeps every thread busy.
    public static func acme(
        _ options: String..., alone: Bool = false, test: (Stage) async throws -> Void
    ) async throws {
        try await play(alone: alone, test) {
            let stage = try Stage(try await Server(options), "acme", LoginOptions(), Home())
            try await stage.add(acmeDefinition(stage.server.origin))
            return stage
        }
    }

    /// Microsoft: the bundled definition with this server as its cloud. `options` are the server's.
    public static func microsoft(_ options: String..., test: (Stage) async throws -> Void) async throws {
        try await play(test) {
            let server = try await Server(["--dialect", "entra"] + options)
            let stage = try Stage(server, "microsoft", LoginOptions(clientID: clientID), Home())
            let bundled = try String(
                contentsOf: root.appendingPathComponent("core/providers/microsoft.toml"), encoding: .utf8)
            let global = "global = \"https://login.microsoftonline.com\""
            guard bundled.contains(global) else { throw TestFailure(bundled) }
            try await stage.add(bundled.replacingOccurrences(of: global, with: "global = \"\(server.origin)\""))
            return stage
        }
    }

    /// Microsoft by the names of its own hosts: the bundled definition as it is, and a proxy to a server that an
    /// authority of the test's own vouches for. `network` leads there.
    public static func internet(test: (Stage) async throws -> Void) async throws {
        try await play(test) {
            let home = try Home()
            let names = ["login.microsoftonline.com", "graph.microsoft.com"].flatMap { ["--tls-name", $0] }
            let server = try await Server(
                ["--dialect", "entra", "--proxy", "--tls-directory", home.path.path] + names)
            return try Stage(server, "microsoft", LoginOptions(clientID: clientID), home)
        }
    }

    /// Any server with published metadata, through its issuer.
    public static func oidc(_ options: String..., test: (Stage) async throws -> Void) async throws {
        try await play(test) {
            let server = try await Server(options)
            return try Stage(server, "oidc", LoginOptions(issuer: server.issuer, clientID: "public"), Home())
        }
    }

    /// An MCP server, through whose metadata a client finds the server, where it registers itself and binds its tokens to
    /// a key if it likes.
    public static func mcp(_ options: String..., test: (Stage) async throws -> Void) async throws {
        try await play(test) {
            let offered = #"{"registration": {"enabled": true}, "dpop": {"mode": "on"}}"#
            let server = try await Server(["--options", offered] + options)
            return try Stage(server, "mcp", LoginOptions(resource: "\(server.origin)/mcp"), Home())
        }
    }

    private static func play(
        alone: Bool = false, _ test: (Stage) async throws -> Void, on made: () async throws -> Stage
    ) async throws {
        try await Turns.take(alone: alone) {
            let stage = try await made()
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await test(stage))
            } catch {
                outcome = .failure(error)
            }
            stage.logins.forEach { $0.cancel() }
            // What was given up is carried to its end before its folder goes.
            try await stage.current.close()
            try await stage.server.stop()
            try stage.home.remove()
            try outcome.get()
        }
    }

    private func add(_ definition: String) async throws {
        let added = try await home.tokenkeep("providers", "add", home.write("provider.toml", definition).path)
        guard added.code == 0 else { throw TestFailure(added.stderr) }
    }

    /// The variables that lead to the hosts of `internet`.
    public var network: [String: String?] {
        ["HTTPS_PROXY": server.proxy, "SSL_CERT_FILE": home.path.appendingPathComponent("ca.pem").path]
    }

    /// Another broker in the same store: what another program would have.
    public func broker(_ change: (inout BrokerOptions) -> Void = { _ in }) throws -> Broker {
        var options = home.options
        change(&options)
        return try Broker(options)
    }

    /// Goes on with another broker.
    public func reopen(_ change: (inout BrokerOptions) -> Void = { _ in }) throws {
        current = try broker(change)
    }

    /// The provider's file, as the user has added it.
    public var definition: String {
        get throws { try String(contentsOf: home.path.appendingPathComponent("provider.toml"), encoding: .utf8) }
    }

    /// An interaction whose person does what is asked of them. Nobody waits for the browser to be closed.
    public func browser(_ options: String...) -> Interaction {
        let arguments = options
        return Interaction(openURL: { url in
            let person = try program("stand-in-person")
            Task { try await run(person, arguments + [url.absoluteString]) }
        })
    }

    /// Logs in with the browser, to the end.
    @discardableResult
    public func login(
        interaction: Interaction? = nil, _ change: (inout LoginOptions) -> Void = { _ in }
    ) async throws -> Connection {
        try await current.login(provider, loginOptions(change), interaction: interaction ?? browser())
    }

    /// Begins a login whose URL or code the test takes care of.
    public func beginLogin(
        interaction: Interaction = Interaction(), _ change: (inout LoginOptions) -> Void = { _ in }
    ) async throws -> UnderWay {
        let (broker, provider, options) = (current, provider, loginOptions(change))
        let login = try await UnderWay(interaction) { try await broker.login(provider, options, interaction: $0) }
        logins.append(login)
        return login
    }

    /// The options of a login: these, and what a first login has to name. Nobody waits for a person for minutes.
    public func loginOptions(_ change: (inout LoginOptions) -> Void = { _ in }) -> LoginOptions {
        var options = named
        options.flow = .pkce
        options.timeout = 60
        change(&options)
        return options
    }

    /// Logs in, and leaves a token that has expired already; the next ones live for an hour.
    public func loginExpired(_ options: (inout LoginOptions) -> Void = { _ in }) async throws {
        try await change(["access_token_lifetime": 0])
        try await login(options)
        try await change(["access_token_lifetime": 3600])
    }

    /// The connection's token.
    public func token(
        connection: String? = nil, scopes: [String]? = nil, minLifetime: TimeInterval? = nil,
        forceRefresh: Bool = false, replaces: String? = nil, claims: String? = nil, allowExtended: Bool = false
    ) async throws -> AccessToken {
        try await current.token(
            provider, connection: connection, scopes: scopes, minLifetime: minLifetime, forceRefresh: forceRefresh,
            replaces: replaces, claims: claims, allowExtended: allowExtended)
    }

    /// The token itself.
    public func accessToken(
        connection: String? = nil, scopes: [String]? = nil, minLifetime: TimeInterval? = nil,
        forceRefresh: Bool = false, replaces: String? = nil, claims: String? = nil, allowExtended: Bool = false
    ) async throws -> String {
        let token = try await token(
            connection: connection, scopes: scopes, minLifetime: minLifetime, forceRefresh: forceRefresh,
            replaces: replaces, claims: claims, allowExtended: allowExtended)
        return token.secret
    }

    /// The connection, as it is shown.
    public func connection(_ connection: String? = nil) async throws -> Connection {
        try await current.connection(provider, connection: connection)
    }

    /// Ends the connection.
    @discardableResult
    public func logout(_ connection: String? = nil) async throws -> LogoutOutcome {
        try await current.logout(provider, connection: connection)
    }

    /// Ends every grant at the server.
    public func revokeAll() async throws {
        try await server.control("POST", "revoke-all")
    }

    /// Changes the server's options from the next request on, in its own words.
    public func change(_ options: Value) async throws {
        try await server.change(options)
    }

    /// The next `times` refreshes meet this fault.
    public func atRefresh(_ action: Value, times: Int = 1) async throws {
        try await fault(at: "refresh_token", action, times)
    }

    /// The next `times` codes that are redeemed meet this fault.
    public func atRedemption(_ action: Value, times: Int = 1) async throws {
        try await fault(at: "authorization_code", action, times)
    }

    private func fault(at grantType: String, _ action: Value, _ times: Int) async throws {
        try await fault([
            "endpoint": "token", "grant_type": .text(grantType), "times": .number(Double(times)), "action": action,
        ])
    }

    /// A fault, as a script has it.
    public func fault(_ fault: Value) async throws {
        try await server.pushFault(fault)
    }

    /// Waits until the faults that were pushed have met their requests, of which the last is then being answered.
    public func untilAFaultStruck() async throws {
        try await until { try await server.faultsAreSpent() }
    }

    /// What the server was asked: `{ entries, grants, reuse_count, revoked_count, poll_gaps }`.
    public func journal() async throws -> Value {
        try await server.journal()
    }

    /// The requests to this endpoint; all of them without one.
    public func entries(_ endpoint: String? = nil) async throws -> [Value] {
        try await journal()["entries"].list.filter { endpoint == nil || $0["endpoint"].string == endpoint }
    }

    /// The last authorization request.
    public func lastAsked() async throws -> Value {
        guard let last = try await entries("authorize").last else { throw TestFailure("nobody was asked anything") }
        return last
    }

    /// What the server was asked with this grant type.
    public func asked(_ grantType: String) async throws -> [Value] {
        try await server.asked(grantType)
    }

    /// The refreshes that the server was asked for.
    public func refreshes() async throws -> [Value] {
        try await server.refreshes()
    }

    /// The resource that the tokens are for: of `mcp` the one that was logged in to, else one that takes every token of
    /// the server.
    public var resourceURL: String {
        "\(server.origin)/\(provider == "mcp" ? "mcp" : "resource")"
    }

    /// The status of the resource with this token: 200 while it works.
    public func resource(_ accessToken: String) async throws -> Int {
        try await server.resource(accessToken, at: resourceURL)
    }

    /// The sealed records, by name and content. What locks leave behind is not among them.
    public func records() throws -> [String: Data] {
        let folder = home.store.appendingPathComponent("records")
        guard FileManager.default.fileExists(atPath: folder.path) else { return [:] }
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return Dictionary(uniqueKeysWithValues: try files.map { ($0.lastPathComponent, try Data(contentsOf: $0)) })
    }
}

private func acmeDefinition(_ origin: String) -> String {
    """
    schema = 1
    name = "acme"
    display_name = "Acme"
    access_token_variable = "ACME_ACCESS_TOKEN"
    [endpoints]
    authorization = "\(origin)/authorize"
    token = "\(origin)/token"
    device_authorization = "\(origin)/device_authorization"
    revocation = "\(origin)/revoke"
    issuer = "\(origin)"
    [client]
    id = "public"
    [scopes]
    default = ["read", "write"]
    always = ["offline_access"]
    """
}
