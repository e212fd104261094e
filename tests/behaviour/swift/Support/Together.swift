// Calls that are made at once.

/// What comes of each call, in the order of what they were given. The first that throws ends the others.
public func together<Given: Sendable, Answer: Sendable>(
    _ given: [Given], _ call: @escaping @Sendable (Given) async throws -> Answer
) async throws -> [Answer] {
    try await withThrowingTaskGroup(of: (Int, Answer).self) { calls in
        for (index, one) in given.enumerated() {
            calls.addTask { (index, try await call(one)) }
        }
        var answers: [Int: Answer] = [:]
        for try await (index, answer) in calls { answers[index] = answer }
        return given.indices.compactMap { answers[$0] }
    }
}

/// What comes of so many calls.
public func together<Answer: Sendable>(
    _ count: Int, _ call: @escaping @Sendable () async throws -> Answer
) async throws -> [Answer] {
    try await together(Array(0..<count)) { _ in try await call() }
}
