// The workspace's programs, and a process that is run to its end.

import Foundation

/// The repository's root.
public let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../..").standardizedFileURL

/// A failure of the test's own means, and not of what is tested.
public struct TestFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// A program of the workspace, built beforehand by `make build`.
public func program(_ name: String) throws -> String {
    let target = ProcessInfo.processInfo.environment["CARGO_TARGET_DIR"].map(URL.init(fileURLWithPath:))
    let path = (target ?? root.appendingPathComponent("target")).appendingPathComponent("debug/\(name)").path
    guard FileManager.default.isExecutableFile(atPath: path) else {
        throw TestFailure("\(path) is not built: run `make build`")
    }
    return path
}

/// What became of a process.
public struct Ended: Sendable {
    public let code: Int32
    public let stdout: String
    public let stderr: String
}

/// Runs a command to its end. One that says more than a pipe holds, on stderr, would wait for ever.
@discardableResult
public func run(
    _ command: String, _ arguments: [String], environment: [String: String]? = nil, directory: URL? = nil
) async throws -> Ended {
    try await withCheckedThrowingContinuation { continuation in
        // A thread of its own: the tasks' threads are for what does not block.
        Thread.detachNewThread {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: command)
            process.arguments = arguments
            process.environment = environment ?? process.environment
            process.currentDirectoryURL = directory ?? process.currentDirectoryURL
            process.standardInput = FileHandle.nullDevice
            let (stdout, stderr) = (Pipe(), Pipe())
            process.standardOutput = stdout
            process.standardError = stderr
            do {
                try process.run()
                let (said, told) = (text(of: stdout), text(of: stderr))
                process.waitUntilExit()
                continuation.resume(returning: Ended(code: process.terminationStatus, stdout: said, stderr: told))
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

private func text(of pipe: Pipe) -> String {
    String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
}

/// Tries until it is so, for half a minute.
public func until(_ isSo: () async throws -> Bool) async throws {
    let giveUp = ContinuousClock.now + .seconds(30)
    while !(try await isSo()) {
        guard ContinuousClock.now < giveUp else { throw TestFailure("it is not so after half a minute") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
