// What is kept: connections, providers, registrations, and the store itself. No network.

import Foundation
internal import TokenkeepNative

extension Broker {
    /// All connections.
    ///
    /// - Throws: Those of the store as a whole.
    public func connections() async throws -> Connections {
        try await ask("connections")
    }

    /// One connection.
    ///
    /// - Throws: `notConnected`, `unknownProvider`, and those of the store.
    public func connection(
        _ provider: String, connection: String? = nil, resource: String? = nil
    ) async throws -> Connection {
        try await ask("connection", Request(provider, connection, resource))
    }

    /// What becomes of the connections, whoever does it: this program, another, in any language. It begins with one
    /// that `appeared` for each connection that is there; later ones are told within a second.
    ///
    /// It ends with its task. Those of the store as a whole end it with an error.
    public func connectionChanges() -> AsyncThrowingStream<ConnectionChange, any Error> {
        let changes = native.connectionChanges()
        return AsyncThrowingStream {
            try JSON.read(try await made { try await changes.next(call: $0) })
        }
    }

    /// All providers.
    ///
    /// - Throws: `storeUnavailable`.
    public func providers() async throws -> Providers {
        try await ask("providers")
    }

    /// One provider.
    ///
    /// - Throws: `unknownProvider`, `configInvalid`.
    public func provider(_ name: String) async throws -> Provider {
        try await ask("provider", Request(name))
    }

    /// Checks a provider's file and keeps it as the user's own.
    ///
    /// - Throws: `configInvalid`, `storeUnavailable`.
    @discardableResult
    public func addProvider(_ file: URL) async throws -> Provider {
        try await ask("add_provider", Request { $0.file = file.path })
    }

    /// Removes the user's own definition. False when there is none.
    ///
    /// - Throws: `storeUnavailable`.
    @discardableResult
    public func removeProvider(_ name: String) async throws -> Bool {
        try await ask("remove_provider", Request(name))
    }

    /// Stores the client to log in to `provider` with; at `issuer`, for `oidc` and `mcp`.
    ///
    /// - Throws: `configInvalid`, `unknownProvider`, and those of the store.
    @discardableResult
    public func setRegistration(
        _ provider: String, clientID: String, clientSecret: String? = nil, issuer: String? = nil
    ) async throws -> Registration {
        let request = Request(provider) {
            $0.issuer = issuer
            $0.clientID = clientID
            $0.clientSecret = clientSecret
        }
        return try await ask("set_registration", request)
    }

    /// The stored registration for `provider`; nil when there is none.
    ///
    /// - Throws: `unknownProvider`, and those of the store.
    public func registration(_ provider: String, issuer: String? = nil) async throws -> Registration? {
        try await ask("registration", Request(provider) { $0.issuer = issuer })
    }

    /// Removes it; nil when there is none. A client that the server made on request is deleted there, which ends the
    /// grants of its connections with most servers.
    ///
    /// - Throws: `unknownProvider`, and those of the store.
    @discardableResult
    public func removeRegistration(_ provider: String, issuer: String? = nil) async throws -> RegistrationRemoval? {
        try await ask("remove_registration", Request(provider) { $0.issuer = issuer })
    }

    /// The document to publish at `url`, which is then a client id: ``LoginOptions/clientMetadataURL``.
    ///
    /// - Throws: `configInvalid` for an address that no client id can be.
    public func clientMetadataDocument(_ url: URL) async throws -> String {
        try await ask("client_metadata_document", Request { $0.url = url.absoluteString })
    }

    /// Makes the store's key, or opens the store that is there.
    ///
    /// - Throws: Those of the store.
    @discardableResult
    public func initialize() async throws -> VaultState {
        try await ask("initialize")
    }

    /// What is there of the store, and whether its key can be had. Changes nothing.
    public func inspect() async throws -> VaultState {
        try await ask("inspect")
    }
}
