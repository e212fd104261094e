// A login that has begun and waits for its person.

import Foundation
import Tokenkeep

/// A login that waits.
public final class UnderWay: Sendable {
    /// What becomes of the login: the connection, or why there is none.
    public let ended: Task<Connection, any Error>
    private let seen: Seen

    /// What the person is shown.
    private actor Seen {
        var url: URL?
        var device: DeviceAuthorization?
        var refused: [String] = []

        func open(_ url: URL) { self.url = url }
        func show(_ device: DeviceAuthorization) { self.device = device }
        func refuse(_ reason: String) { refused.append(reason) }
        var isSomewhere: Bool { url != nil || device != nil }
    }

    /// Calls `login` with an interaction, and waits until the person is sent somewhere, or the login has ended.
    init(
        _ interaction: Interaction, _ login: @escaping @Sendable (Interaction) async throws -> Connection
    ) async throws {
        let seen = Seen()
        var shown = interaction
        shown.openURL = interaction.openURL ?? { await seen.open($0) }
        shown.showDeviceAuthorization = interaction.showDeviceAuthorization ?? { await seen.show($0) }
        shown.responseRefused = interaction.responseRefused ?? { await seen.refuse($0) }
        let (done, asked) = (Flag(), shown)
        self.seen = seen
        ended = Task {
            defer { done.raise() }
            return try await login(asked)
        }
        try await until { await seen.isSomewhere || done.isRaised }
    }

    /// Where the person is sent: the authorization URL.
    public var url: URL {
        get async throws {
            guard let url = await seen.url else { throw TestFailure("nobody was sent anywhere") }
            return url
        }
    }

    /// What the person is shown, of a login by device code.
    public var device: DeviceAuthorization {
        get async throws {
            guard let device = await seen.device else { throw TestFailure("nobody was shown a code") }
            return device
        }
    }

    /// Why what came was not the answer, each time.
    public var refused: [String] {
        get async { await seen.refused }
    }

    /// A parameter of the authorization request.
    public func parameter(_ name: String) async throws -> String {
        guard let value = try await url.parameter(name) else { throw TestFailure("no \(name)") }
        return value
    }

    /// Where the answer is received, with these parameters.
    public func redirect(_ parameters: [String: String?] = [:]) async throws -> URL {
        try address(try await parameter("redirect_uri")).with(parameters)
    }

    /// The port that the answer is received at.
    public var port: Int {
        get async throws {
            guard let port = try await redirect().port else { throw TestFailure("a redirect without a port") }
            return port
        }
    }

    /// Gives the login up.
    public func cancel() {
        ended.cancel()
    }
}

/// A thing that happened.
public final class Flag: @unchecked Sendable {
    // Unchecked: the lock is what the compiler cannot see.
    private let lock = NSLock()
    private var raised = false

    public init() {}

    public var isRaised: Bool { lock.withLock { raised } }
    public func raise() { lock.withLock { raised = true } }
}

/// True when nobody listens at `port` any more, or nobody does within a second.
public func isClosed(_ port: Int) async throws -> Bool {
    let giveUp = ContinuousClock.now + .seconds(1)
    while ContinuousClock.now < giveUp {
        if !accepts(port, AF_INET), !accepts(port, AF_INET6) { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}

private func accepts(_ port: Int, _ family: Int32) -> Bool {
    #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
    #else
        let kind = SOCK_STREAM
    #endif
    let socket = socket(family, kind, 0)
    guard socket >= 0 else { return false }
    defer { close(socket) }
    if family == AF_INET {
        var to = sockaddr_in()
        to.sin_family = sa_family_t(AF_INET)
        to.sin_port = in_port_t(port).bigEndian
        to.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return reaches(socket, &to)
    }
    var to = sockaddr_in6()
    to.sin6_family = sa_family_t(AF_INET6)
    to.sin6_port = in_port_t(port).bigEndian
    to.sin6_addr = in6addr_loopback
    return reaches(socket, &to)
}

private func reaches<Address>(_ socket: Int32, _ to: inout Address) -> Bool {
    withUnsafeBytes(of: &to) { bytes in
        guard let start = bytes.baseAddress else { return false }
        return connect(socket, start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
    }
}
