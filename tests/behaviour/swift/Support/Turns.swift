// How many stages are played at once: a scenario measures times, and each has a server and processes of its own.

/// So many at once; the others wait in line. One that plays alone has all of the process's few threads.
actor Turns {
    /// Of all stages of the process.
    private static let all = Turns(4)
    /// Within a turn of its own: a scenario may play a second stage on the first.
    @TaskLocal private static var isTaken = false

    private let atOnce: Int
    private var free: Int
    private var waiting: [(places: Int, CheckedContinuation<Void, Never>)] = []

    /// Does `work` when its turn has come.
    static func take(alone: Bool, _ work: () async throws -> Void) async throws {
        guard !isTaken else { return try await work() }
        let places = alone ? all.atOnce : 1
        await all.begin(places)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await $isTaken.withValue(true) { try await work() })
        } catch {
            outcome = .failure(error)
        }
        await all.end(places)
        try outcome.get()
    }

    private init(_ atOnce: Int) {
        self.atOnce = atOnce
        free = atOnce
    }

    private func begin(_ places: Int) async {
        if free >= places {
            free -= places
        } else {
            await withCheckedContinuation { waiting.append((places, $0)) }
        }
    }

    private func end(_ places: Int) {
        free += places
        // Whoever fits is next: nobody stands idle for one who wants to be alone, and who comes to it in the end.
        while let next = waiting.firstIndex(where: { $0.places <= free }) {
            let (places, begins) = waiting.remove(at: next)
            free -= places
            begins.resume()
        }
    }
}
