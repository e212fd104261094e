// How many stages are played at once: a scenario measures times, and each has a server and processes of its own.

/// So many at once; the others wait in line.
actor Turns {
    /// Of all stages of the process.
    private static let all = Turns(4)
    /// Within a turn of its own: a scenario may play a second stage on the first.
    @TaskLocal private static var isTaken = false

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Does `work` when its turn has come.
    static func take(_ work: () async throws -> Void) async throws {
        guard !isTaken else { return try await work() }
        await all.begin()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await $isTaken.withValue(true) { try await work() })
        } catch {
            outcome = .failure(error)
        }
        await all.end()
        try outcome.get()
    }

    private init(_ atOnce: Int) {
        free = atOnce
    }

    private func begin() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    private func end() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
