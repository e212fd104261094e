// A broker: it opens a store and hands out tokens. Converts, calls the native half, converts back.
//
// May not enter: a default, a check, a retry, a clock. They are the core's.

import Foundation
internal import TokenkeepNative

/// Logs a person in, keeps the grant, and hands out fresh access tokens.
///
/// To make one touches no file and no keychain; the store is opened by the first call that needs it. All brokers of a
/// machine share that store, whatever their language. What fails throws ``TokenkeepError``; a call whose task is
/// cancelled throws `CancellationError` at once, and a refresh that it has begun goes on: what it brings is kept.
public final class Broker: Sendable {
    let native: TokenkeepNative.Broker
    private let questions = Questions()

    /// A broker of the store that `options` name.
    ///
    /// - Throws: `configInvalid` when an option or an environment variable is not of its form.
    public init(_ options: BrokerOptions = BrokerOptions()) throws {
        native = try unlessFailed { try .open(opening: JSON.written(Opening(options))) }
        // A refresh that the last line of a program gave up is carried to its end.
        _ = closingAtExit
    }

    /// The store's folder.
    public var home: URL {
        URL(fileURLWithPath: native.home(), isDirectory: true)
    }

    /// The connection's access token, refreshed first where that is needed. However many programs ask at once, one
    /// refresh is sent. While the token at hand still works, no trouble of the network or the server is an error.
    ///
    /// A token that is at hand is handed out where the caller is, without a change of threads.
    ///
    /// - Parameters:
    ///   - provider: The provider's name: `microsoft`.
    ///   - connection: The connection's name, which tells two accounts of one provider apart.
    ///   - scopes: Scopes that the token must hold, of one resource: at a provider that tells resources apart
    ///     (Microsoft) they say which one it is for. None are checked when left out.
    ///   - resource: The address of a protected resource, an MCP server's for one: it names the connection where
    ///     `connection` does not, and the token is for no other.
    ///   - minLifetime: Seconds. The token is refreshed first when it is good for less than this.
    ///   - forceRefresh: Refresh even when the token looks fresh, because a server would not have it.
    ///   - replaces: A token that a server would not have: any other will do.
    ///   - claims: The JSON of a claims challenge: a token that was not asked for with it is refreshed first.
    ///   - allowExtended: Microsoft: while the server is down, a token that has ended will do for as long as its
    ///     resource still takes it.
    ///   - isolation: The caller's own.
    /// - Throws: `notConnected`, `loginRequired`, `interactionRequired`, `consentRequired`, `scopeNotGranted`,
    ///   `network`, `throttled`, `lockTimeout`, `providerRejected`, and those of the store.
    public func token(
        _ provider: String,
        connection: String? = nil,
        scopes: [String]? = nil,
        resource: String? = nil,
        minLifetime: TimeInterval? = nil,
        forceRefresh: Bool = false,
        replaces: String? = nil,
        claims: String? = nil,
        allowExtended: Bool = false,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> AccessToken {
        try Task.checkCancellation()
        let atHandWillDo = !forceRefresh && replaces == nil && claims == nil
        // Once the store is open, a look into it blocks for no longer than a file takes to read.
        if atHandWillDo, native.isOpen(),
            let cached = try cachedToken(
                provider, connection: connection, scopes: scopes, resource: resource, minLifetime: minLifetime)
        {
            return cached
        }
        let request = Request(provider, connection, resource) {
            $0.scopes = scopes
            $0.minLifetime = minLifetime
            $0.forceRefresh = forceRefresh
            $0.replaces = replaces
            $0.claims = claims
            $0.allowExtended = allowExtended
        }
        let asked = try JSON.written(request)
        return AccessToken(try await made { try await self.native.token(call: $0, request: asked) })
    }

    /// The connection's access token, when it can be handed out as it is; nil when a refresh is needed or welcome: then
    /// ask ``token(_:connection:scopes:resource:minLifetime:forceRefresh:replaces:claims:allowExtended:isolation:)``. No
    /// network. Blocks for as long as a file takes to read, and the first time for as long as the store's key takes.
    ///
    /// - Throws: `notConnected`, `unknownProvider`, `scopeNotGranted`, and those of the store.
    public func cachedToken(
        _ provider: String,
        connection: String? = nil,
        scopes: [String]? = nil,
        resource: String? = nil,
        minLifetime: TimeInterval? = nil
    ) throws -> AccessToken? {
        let asked = Asked(
            provider: provider, connection: connection, scopes: scopes, resource: resource, minLifetime: minLifetime)
        return try unlessFailed {
            do {
                return AccessToken(try native.tokenAtHand(question: questions.question(for: asked)))
            } catch Failure.NotAtHand {
                return nil
            }
        }
    }

    /// The token to repeat a request with, once, after an API answered 401; nil when a repetition is of no use, and the
    /// API's answer is the caller's.
    ///
    /// - Parameters:
    ///   - refused: The token that the API refused.
    ///   - wwwAuthenticate: The values of its `WWW-Authenticate` headers.
    /// - Throws: As `token`; `interactionRequired` with the claims when only a person can meet the challenge.
    public func tokenAfterRefusal(
        _ provider: String,
        refused: String,
        wwwAuthenticate: [String] = [],
        connection: String? = nil,
        scopes: [String]? = nil,
        resource: String? = nil
    ) async throws -> AccessToken? {
        let request = Request(provider, connection, resource) {
            $0.refused = refused
            $0.wwwAuthenticate = wwwAuthenticate
            $0.scopes = scopes
        }
        let asked = try JSON.written(request)
        let token = try await made { try await self.native.tokenAfterRefusal(call: $0, request: asked) }
        return token.map(AccessToken.init)
    }

    /// Waits until the refreshes under way are written down. A program that runs to its end does so by itself.
    public func close() async throws {
        let _: JSON.Nothing = try await ask("close")
    }

    /// A call whose answer is a record.
    func ask<Answer: Decodable & Sendable>(_ verb: String, _ request: Request = Request()) async throws -> Answer {
        let asked = try JSON.written(request)
        return try JSON.read(try await made { try await self.native.ask(call: $0, verb: verb, request: asked) })
    }
}

/// Registered once, by whoever makes the first broker.
private let closingAtExit: Void = {
    atexit { closeAll() }
}()
