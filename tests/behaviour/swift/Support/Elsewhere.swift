// Another process, which asks for tokens of the same store: `asker`.
//
// May not enter: what it is asked for. It is asked when the test says so, so that eight can ask at once.

import Foundation
import Testing
import Tokenkeep

/// A call of another process.
public struct Errand: Codable, Sendable {
    public var provider: String
    public var connection: String?
    public var scopes: [String]?
    public var minLifetime: TimeInterval?
    public var forceRefresh = false
    /// A login instead of a token: its client, whose person is `stand-in-person` at this path.
    public var person: String?
    public var clientID: String?
    public var issuer: String?
    public var resource: String?
    /// A login instead of a token, at the terminal: without an interaction.
    public var atTheTerminal = false
    /// The call is given up after so many seconds.
    public var givesUpAfter: TimeInterval?

    public init(_ provider: String, _ more: (inout Errand) -> Void = { _ in }) {
        self.provider = provider
        more(&self)
    }
}

/// What came of it.
public struct Outcome: Codable, Sendable {
    /// The access token.
    public var secret: String?
    /// The client of a login.
    public var clientID: String?
    /// Why it failed.
    public var code: TokenkeepError.Code?
    public var message: String?
    public var help: String?

    public init() {}
}

/// The failure of a call of another process.
public struct FailedElsewhere: Error {
    public let code: TokenkeepError.Code
    public let message: String
    public let help: String
}

/// A process that waits to be asked.
public final class Elsewhere: @unchecked Sendable {
    // Unchecked: one task at a time asks.
    private let process = Process()
    private let stdin = Pipe()
    private let lines: Lines

    /// Starts one in the stage's home. `environment` is more of its environment (nil takes a variable away), `through`
    /// a command that starts it.
    public init(_ stage: Stage, environment: [String: String?] = [:], through: [String] = []) async throws {
        let command = through + [try builtProgram("asker")]
        let stdout = Pipe()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = stage.home.environment.merging(environment.mapValues { $0 ?? "" }) { $1 }
            .filter { environment[$0.key] != .some(nil) }
        process.currentDirectoryURL = stage.home.path
        process.standardInput = stdin
        process.standardOutput = stdout
        lines = Lines(stdout)
        try process.run()
        // It says a line when it is ready.
        _ = try await lines.next()
    }

    /// The outcome of a call there.
    @discardableResult
    public func run(_ errand: Errand) async throws -> Outcome {
        let line = try JSONEncoder().encode(errand) + Data("\n".utf8)
        try stdin.fileHandleForWriting.write(contentsOf: line)
        let outcome = try JSONDecoder().decode(Outcome.self, from: Data(try await lines.next().utf8))
        if let code = outcome.code {
            throw FailedElsewhere(code: code, message: outcome.message ?? "", help: outcome.help ?? "")
        }
        return outcome
    }

    /// The access token.
    public func accessToken(_ provider: String, _ more: (inout Errand) -> Void = { _ in }) async throws -> String {
        try await run(Errand(provider, more)).secret ?? ""
    }

    /// Sends it a signal: `SIGSTOP`.
    public func signal(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    deinit {
        // A process that was stopped hears nothing else.
        if process.isRunning {
            signal(SIGKILL)
        }
    }
}

/// The failure of a call of another process, which must fail with `code`.
@discardableResult
public func failsElsewhere(
    _ code: TokenkeepError.Code, at location: SourceLocation = #_sourceLocation, _ call: () async throws -> Any?
) async throws -> FailedElsewhere {
    do {
        let answer = try await call()
        throw TestFailure("it did not fail: \(answer ?? "nil")")
    } catch let failure as FailedElsewhere {
        #expect(failure.code == code, "\(failure)", sourceLocation: location)
        return failure
    }
}

/// A program of this package, which is built beside its tests.
public func builtProgram(_ name: String) throws -> String {
    let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    return beside.appendingPathComponent(name).path
}
