// A home of its own: an empty folder, a clean environment, and the command line in it.

import Foundation
import Tokenkeep

/// A store in a temporary folder that keeps its key in a file, and may talk to servers on this machine.
public final class Home: Sendable {
    /// The folder that holds everything that the test leaves behind.
    public let path: URL

    public init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("tokenkeep-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    }

    /// The store's folder.
    public var store: URL { path.appendingPathComponent("store") }

    /// The options of a broker in it.
    public var options: BrokerOptions {
        BrokerOptions(home: store, keySource: .file, insecureLoopback: true)
    }

    /// The environment of a program in it.
    public var environment: [String: String] {
        let own = ProcessInfo.processInfo.environment
        return [
            "PATH": own["PATH"] ?? "", "HOME": path.path, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus",
            "TOKENKEEP_HOME": store.path, "TOKENKEEP_KEY": "file", "TOKENKEEP_INSECURE_LOOPBACK": "1",
        ]
    }

    /// Runs the command line (the one in Rust) to its end.
    @discardableResult
    public func tokenkeep(_ arguments: String...) async throws -> Ended {
        try await tokenkeep(arguments)
    }

    /// The same with a list.
    @discardableResult
    public func tokenkeep(_ arguments: [String]) async throws -> Ended {
        try await run(try program("tokenkeep"), arguments, environment: environment, directory: path)
    }

    /// Writes a file.
    public func write(_ name: String, _ text: String) throws -> URL {
        let file = path.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file
    }

    /// Removes the folder.
    public func remove() throws {
        do {
            try FileManager.default.removeItem(at: path)
        } catch {
            // A refresh that was given up has written its record down meanwhile: that was the last of it.
            try FileManager.default.removeItem(at: path)
        }
    }
}
