// Who shows connections is told what becomes of them, whoever does it.

import Foundation
import Support
import Testing
import Tokenkeep

/// The promise.
private let within = Duration.seconds(1)

/// A stream of changes, and how long each took to come.
private final class Watched {
    private var changes: AsyncThrowingStream<ConnectionChange, any Error>.Iterator
    private let clock = ContinuousClock()

    init(_ broker: Broker) {
        changes = broker.connectionChanges().makeAsyncIterator()
    }

    /// The next change, which is that one, in time after `what` was done.
    @discardableResult
    func next(
        _ kind: ConnectionChange.Kind, _ name: String, at location: SourceLocation = #_sourceLocation,
        after what: () async throws -> Void = {}
    ) async throws -> Connection {
        try await what()
        let done = clock.now
        let change = try #require(try await changes.next(), sourceLocation: location)
        #expect(clock.now - done < within, sourceLocation: location)
        #expect(change.kind == kind && change.connection.connection == name, "\(change)", sourceLocation: location)
        return change.connection
    }
}

@Test func connection_changes_are_told() async throws {
    try await Stage.acme { stage in
        let person = try program("stand-in-person")
        func elsewhere(_ arguments: [String]) async throws {
            let ended = try await stage.home.tokenkeep(arguments)
            guard ended.code == 0 else { throw TestFailure(ended.stderr) }
        }
        func login(_ more: String...) async throws {
            try await elsewhere(["login", "acme", "--browser", person] + more)
        }

        // Another process does everything; the store is yet to be made.
        let changes = Watched(try stage.broker())
        let first = try await changes.next(.appeared, "default") { try await login() }
        #expect(first.status == .connected)
        try await changes.next(.appeared, "work") { try await login("--connection", "work") }
        let refreshed = try await changes.next(.changed, "default") {
            try await elsewhere(["token", "acme", "--force-refresh"])
        }
        #expect(refreshed.refreshedAt != nil)
        let again = try await changes.next(.changed, "default") { try await login() }
        #expect(again.refreshedAt == nil)
        try await stage.revokeAll()
        let ended = try await changes.next(.changed, "default") {
            await #expect(throws: TestFailure.self) { try await elsewhere(["token", "acme", "--force-refresh"]) }
        }
        #expect(ended.status == .loginRequired)
        let gone = try await changes.next(.disappeared, "default") { try await elsewhere(["logout", "acme"]) }
        #expect(gone == ended)
        let last = try await changes.next(.appeared, "default") { try await login() }

        // A stream begins with what is there, and ends with the loop.
        var begun: [ConnectionChange] = []
        for try await change in try stage.broker().connectionChanges() {
            begun.append(change)
            if begun.count == 2 { break }
        }
        #expect(begun.map(\.kind) == [.appeared, .appeared])
        #expect(begun.first?.connection == last)
        #expect(begun.last?.connection.connection == "work")

        // Who waits for more in vain gives up at once.
        let broker = try stage.broker()
        let seen = Flag()
        let waiting = Task {
            for try await change in broker.connectionChanges() where change.connection.connection == "work" {
                seen.raise()
            }
        }
        try await until { seen.isRaised }
        let cancelled = ContinuousClock.now
        waiting.cancel()
        _ = await waiting.result
        #expect(ContinuousClock.now - cancelled < within / 4)
    }
}
