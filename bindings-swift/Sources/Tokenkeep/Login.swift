// A login: by the core to its end, or in two halves for a program that receives the redirect itself.

import Foundation
internal import TokenkeepNative

/// A login that has begun: the person is at the provider, the answer comes by another way.
public struct PendingLogin: Sendable {
    fileprivate let native: Pending

    /// Where to send the person.
    public let authorizationURL: URL
}

extension Broker {
    /// Logs a person in and keeps the grant. A connection of the same name is replaced.
    ///
    /// The answer is received at a loopback redirect, in the browser that `interaction` opens; without one, at the
    /// terminal, as the command line does it.
    ///
    /// - Throws: `registrationMissing`, `unsupported`, `accessDenied`, `consentRequired`, `adminConsentRequired`,
    ///   `loginCancelled`, `loginTimedOut`, `providerRejected`, `network`, and those of the store.
    @discardableResult
    public func login(
        _ provider: String, _ options: LoginOptions = LoginOptions(), interaction: Interaction? = nil
    ) async throws -> Connection {
        let asked = try JSON.written(Request(provider, options))
        let talk = interaction.map(Talk.init)
        defer { talk?.end() }
        do {
            let record = try await made {
                try await self.native.login(call: $0, request: asked, person: talk, methods: talk?.methods ?? [])
            }
            return try JSON.read(record)
        } catch var error as TokenkeepError {
            error.underlyingError = talk?.thrown
            throw error
        }
    }

    /// The first half of a login for a program that receives the redirect itself, at `options.redirectURI`: where to
    /// send the person.
    ///
    /// - Throws: As ``login(_:_:interaction:)``, as far as nobody was asked.
    public func beginLogin(_ provider: String, _ options: LoginOptions) async throws -> PendingLogin {
        let asked = try JSON.written(Request(provider, options))
        let pending = try await made { try await self.native.beginLogin(call: $0, request: asked) }
        return PendingLogin(native: pending, authorizationURL: try url(pending.authorizationUrl()))
    }

    /// The second half: the address that the provider sent the person back to. One that is not the answer to this login
    /// is refused with `providerRejected`, and the login is still pending.
    ///
    /// - Throws: As ``login(_:_:interaction:)``.
    @discardableResult
    public func finishLogin(_ pending: PendingLogin, callbackURL: URL) async throws -> Connection {
        let address = callbackURL.absoluteString
        return try JSON.read(
            try await made {
                try await self.native.finishLogin(call: $0, pending: pending.native, callbackUrl: address)
            })
    }

    /// Ends the connection: revokes the grant at the server where it can be, and deletes it here in any case.
    ///
    /// - Throws: `notConnected`, `unknownProvider`, `lockTimeout`, `storeUnavailable`.
    @discardableResult
    public func logout(
        _ provider: String, connection: String? = nil, resource: String? = nil
    ) async throws -> LogoutOutcome {
        try await ask("logout", Request(provider, connection, resource))
    }
}
