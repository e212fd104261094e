// The scripted authorization server (tests/authorization-server), as a process of its own.

import Foundation

/// A server that runs. It ends with `stop()`, and with the process that started it.
public final class Server: @unchecked Sendable {
    // Unchecked: a process is ended once, by whoever started it.
    private let process: Process
    private let stdin: Pipe
    /// Where it is: `http://127.0.0.1:PORT`.
    public let origin: String
    /// RFC 8414.
    public let issuer: String
    /// The proxy that leads here, when it was started with `--proxy`.
    public let proxy: String?

    /// Starts one, with the options of its command line.
    public init(_ options: [String] = []) async throws {
        process = Process()
        stdin = Pipe()
        let stdout = Pipe()
        process.executableURL = URL(fileURLWithPath: try program("authorization-server"))
        process.arguments = ["--until-stdin-closes"] + options
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        let ready = try JSONDecoder().decode(Value.self, from: Data(try await Lines(stdout).next().utf8))
        guard let origin = ready["origin"].string, let issuer = ready["issuer"].string else {
            throw TestFailure("the server did not get ready: \(ready)")
        }
        self.origin = origin
        self.issuer = issuer
        proxy = ready["proxy"].string
    }

    /// What it was asked: `{ entries, grants, reuse_count, revoked_count, poll_gaps }`.
    public func journal() async throws -> Value {
        try await control("GET", "journal")
    }

    /// The requests with this grant type.
    public func asked(_ grantType: String) async throws -> [Value] {
        try await journal()["entries"].list.filter { $0["grant_type"].string == grantType }
    }

    /// The refreshes that it was asked for.
    public func refreshes() async throws -> [Value] {
        try await asked("refresh_token")
    }

    /// Adds a fault, as the server's README has it.
    public func pushFault(_ fault: Value) async throws {
        try await control("POST", "faults", fault)
    }

    /// True once every fault that was pushed has met its requests, of which the last may still be in the answering.
    public func faultsAreSpent() async throws -> Bool {
        try await control("GET", "faults").list.isEmpty
    }

    /// Changes the options that are named, in the server's own words: `["access_token_lifetime": 0]`.
    public func change(_ options: Value) async throws {
        try await control("POST", "options", options)
    }

    /// The status that its resource, or another at `url`, answers to this token: 200 while it works.
    public func resource(_ accessToken: String, at url: String? = nil) async throws -> Int {
        let url = try address(url ?? "\(origin)/resource")
        return try await Http.get(url, headers: ["Authorization": "Bearer \(accessToken)"]).status
    }

    /// Any request of its control interface.
    @discardableResult
    public func control(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Value {
        let text = try body.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        let answer = try await Http.send(method, try address("\(origin)/_control/\(path)"), body: text ?? "")
        guard (200..<300).contains(answer.status) else {
            throw TestFailure("\(method) \(path): \(answer.status) \(answer.text)")
        }
        return answer.text.isEmpty ? .null : try JSONDecoder().decode(Value.self, from: Data(answer.text.utf8))
    }

    /// Ends it, unless it has ended.
    public func stop() async throws {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
        }
        try await until { !process.isRunning }
    }
}

/// A URL, or a failure of the test.
public func address(_ text: String) throws -> URL {
    guard let url = URL(string: text) else { throw TestFailure("no URL: \(text)") }
    return url
}

/// What a program says, line by line.
final class Lines: @unchecked Sendable {
    // Unchecked: one task at a time asks.
    private let handle: FileHandle
    private var unread = Data()

    init(_ pipe: Pipe) {
        handle = pipe.fileHandleForReading
    }

    /// The next line. Read on a thread of its own: the tasks' threads are for what does not block.
    func next() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [self] in
                while true {
                    if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                        let line = String(decoding: unread[..<end], as: UTF8.self)
                        unread = Data(unread[unread.index(after: end)...])
                        return continuation.resume(returning: line)
                    }
                    let more = handle.availableData
                    if more.isEmpty { return continuation.resume(throwing: TestFailure("the program has ended")) }
                    unread.append(more)
                }
            }
        }
    }
}
