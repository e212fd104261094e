// What the scenarios of protected resources need besides.

import Foundation
import Tokenkeep

extension Stage {
    /// `mcp` where nothing can be registered by program: a client that the person has registered.
    public static func mcpByHand(test: (Stage) async throws -> Void) async throws {
        try await mcp { stage in
            try await stage.change(["registration": ["enabled": false], "dpop": ["mode": "off"]])
            stage.named.clientID = "public"
            try await test(stage)
        }
    }

    /// The token for this resource, as another program would ask for it.
    public func token(
        for resource: String, connection: String? = nil, forceRefresh: Bool = false
    ) async throws -> AccessToken {
        try await broker().token(provider, connection: connection, resource: resource, forceRefresh: forceRefresh)
    }
}

extension Server {
    /// A server beside that of a stage, for as long as the body runs.
    public static func another(_ test: (Server) async throws -> Void) async throws {
        let server = try await Server()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await test(server))
        } catch {
            outcome = .failure(error)
        }
        try await server.stop()
        try outcome.get()
    }

    /// What it was asked.
    public var entries: [Value] {
        get async throws { try await journal()["entries"].list }
    }
}
