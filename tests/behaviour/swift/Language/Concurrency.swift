// Tasks and actors: whoever calls is not held up, and may give up at any time.

import Foundation
import Support
import Testing
import Tokenkeep

/// How long a caller waits for the end of a call that it has given up.
private let soon = Duration.seconds(1)

@MainActor private func tokenOnTheMainActor(_ broker: Broker, _ done: Flag) async throws -> AccessToken {
    defer { done.raise() }
    return try await broker.token("acme")
}

@Test func a_refresh_that_the_main_actor_waits_for_does_not_block_it() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 1000])
        let (broker, done) = (try stage.broker(), Flag())
        async let token = tokenOnTheMainActor(broker, done)
        try await stage.untilAFaultStruck()
        let doneBefore = await MainActor.run { done.isRaised }
        #expect(!doneBefore, "somebody else had their turn")
        let secret = try await token.secret
        #expect(try await stage.resource(secret) == 200)
    }
}

/// A program's own actor, which keeps a broker.
private actor Mailbox {
    let broker: Broker
    var asked = 0

    init(_ broker: Broker) {
        self.broker = broker
    }

    func secret() async throws -> String {
        asked += 1
        return try await broker.token("acme").secret
    }
}

@Test func an_actor_asks_many_times_at_once() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 300])
        let mailbox = Mailbox(try stage.broker())
        let secrets = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await mailbox.secret() } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(secrets.count == 1)
        #expect(await mailbox.asked == 20)
        #expect(try await stage.refreshes().count == 1)
    }
}

@Test func a_thousand_tasks_of_one_broker_of_which_every_second_gives_up() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 500, "when": "after"])
        let broker = try stage.broker()
        let tasks = (0..<1000).map { _ in Task { try await broker.token("acme").secret } }
        try await stage.untilAFaultStruck()
        for (number, task) in tasks.enumerated() where number % 2 == 1 { task.cancel() }
        var secrets: Set<String> = []
        for (number, task) in tasks.enumerated() {
            switch await task.result {
            case .success(let secret): secrets.insert(secret)
            case .failure(let error): #expect(number % 2 == 1 && error is CancellationError, "\(number): \(error)")
            }
        }
        #expect(secrets.count == 1)
        let journal = try await stage.journal()
        #expect(try await stage.refreshes().count == 1 && journal["reuse_count"] == 0)
        #expect(try broker.cachedToken("acme")?.secret == secrets.first)
    }
}

@Test func all_calls_of_one_broker_at_once() async throws {
    try await Stage.acme { stage in
        let broker = try stage.broker()
        try await stage.login()
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 {
                group.addTask { try await broker.token("acme").provider }
                group.addTask { try broker.cachedToken("acme")?.provider ?? "acme" }
                group.addTask { try await broker.token("acme", forceRefresh: true).provider }
                group.addTask { try await broker.connection("acme").provider }
                group.addTask { try await broker.provider("acme").name }
                group.addTask { try await broker.connections().connections.map(\.provider).joined() }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: "acme", count: 300))
        #expect(try await stage.journal()["reuse_count"] == 0)
        #expect(try await stage.resource(try await broker.token("acme").secret) == 200)
    }
}

@Test func a_call_of_a_task_that_was_cancelled_before_does_nothing() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        let broker = try stage.broker()
        let before = try await stage.entries().count
        let options = LoginOptions(redirectURI: "http://127.0.0.1:1/callback", flow: .pkce)
        let nobody = Interaction(openURL: { _ in Issue.record("the person was asked") })
        let calls: [@Sendable () async throws -> Any?] = [
            { try await broker.token("acme") },
            { try await broker.tokenAfterRefusal("acme", refused: "x") },
            { try await broker.login("acme", interaction: nobody) },
            { try await broker.beginLogin("acme", options) },
            { try await broker.connections() },
            { try await broker.logout("acme") },
        ]
        for call in calls { try await isGivenUp(Task { try await callAfterCancellation(call) }) }
        #expect(try await stage.entries().count == before)
        #expect(try await broker.connections().connections.count == 1)

        // Nor is a token handed out that is at hand.
        _ = try await broker.token("acme")
        #expect(try broker.cachedToken("acme") != nil)
        try await isGivenUp(Task { try await callAfterCancellation { try await broker.token("acme") } })
    }
}

@Test func who_gives_up_a_refresh_is_free_at_once() async throws {
    try await Stage.acme { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 2500])
        let broker = try stage.broker()
        let asking = Task { try await broker.token("acme").secret }
        try await stage.untilAFaultStruck()
        let given = ContinuousClock.now
        asking.cancel()
        try await isGivenUp(asking)
        #expect(ContinuousClock.now - given < soon, "\(ContinuousClock.now - given)")
        // The refresh goes on, and whoever closes the broker waits for it.
        try await broker.close()
        #expect(try broker.cachedToken("acme") != nil)
        #expect(try await stage.refreshes().count == 1)
    }
}

@Test func a_closure_that_ignores_its_cancellation_does_not_hold_up_the_login() async throws {
    try await Stage.acme { stage in
        let (broker, door, options) = (try stage.broker(), Door(), stage.loginOptions())
        let interaction = Interaction(openURL: { url in await door.wait(with: url) })
        let login = Task { try await broker.login("acme", options, interaction: interaction) }
        try await until { await door.url != nil }
        let redirect = try #require(await door.url?.parameter("redirect_uri"))
        let given = ContinuousClock.now
        login.cancel()
        try await isGivenUp(login)
        #expect(ContinuousClock.now - given < soon, "\(ContinuousClock.now - given)")
        #expect(await !door.isOpen, "the closure still waits")
        #expect(try await isClosed(try #require(try address(redirect).port)))
        #expect(try await broker.connections().connections.isEmpty)
        await door.open()
    }
}

@Test func a_closure_is_cancelled_when_its_login_ends() async throws {
    try await Stage.acme { stage in
        let ended = Flag()
        let person = stage.browser()
        let interaction = Interaction(openURL: { url in
            try await person.openURL?(url)
            // As a window does that is open for as long as its login.
            do { try await Task.sleep(for: .seconds(600)) } catch { ended.raise() }
        })
        #expect(try await stage.login(interaction: interaction).status == .connected)
        try await until { ended.isRaised }
    }
}

/// What a closure waits at, whether or not its task is cancelled.
private actor Door {
    private(set) var url: URL?
    private(set) var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait(with url: URL) async {
        self.url = url
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
    }
}

/// A call of a task that has been cancelled.
private func callAfterCancellation(_ call: @Sendable () async throws -> Any?) async throws {
    withUnsafeCurrentTask { $0?.cancel() }
    let answer = try await call()
    throw TestFailure("it did not fail: \(answer ?? "nil")")
}

/// That the task ends as one does that was cancelled.
private func isGivenUp<Answer>(
    _ task: Task<Answer, any Error>, at location: SourceLocation = #_sourceLocation
) async throws {
    await #expect(throws: CancellationError.self, sourceLocation: location) { _ = try await task.value }
}
