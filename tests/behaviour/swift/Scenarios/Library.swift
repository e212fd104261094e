// What only a library can show: a program's own interaction, callers that give up, and what others do meanwhile.

import Foundation
import Support
import Testing
import Tokenkeep

/// What `task` ends with, and how long after now.
private func end<Success>(
    of task: Task<Success, any Error>
) async -> (Result<Success, any Error>, after: Duration) {
    let begun = ContinuousClock.now
    let result = await task.result
    return (result, ContinuousClock.now - begun)
}

@Test func cancelled_caller_keeps_the_rotated_token() async throws {
    try await Stage.acme(alone: true) { stage in
        let broker = try stage.broker()
        try await stage.login()
        let works = try await broker.token("acme").secret
        // Who gives up before it begins asks nobody, however often.
        let calls: [@Sendable () async throws -> AccessToken?] = [
            { try await broker.token("acme") },
            { try await broker.token("acme", forceRefresh: true) },
            { try await broker.tokenAfterRefusal("acme", refused: works) },
        ]
        for call in Array(repeating: calls, count: 100).joined() {
            let tooLate = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await call()
            }
            await #expect(throws: CancellationError.self) { try await tooLate.value }
        }
        #expect(try await stage.refreshes().isEmpty)

        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 2000, "when": "after"])
        let asked = Task { try await broker.token("acme") }
        try await stage.untilAFaultStruck()
        asked.cancel()
        let (result, after) = await end(of: asked)
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(after < .milliseconds(200))

        try await broker.close()
        let token = try #require(try broker.cachedToken("acme"), "the store has the new token")
        #expect(try await stage.accessToken() == token.secret)
        #expect(try await stage.refreshes().count == 1)
        // The refresh token that came with it was not lost either.
        #expect(try await stage.resource(await stage.accessToken(forceRefresh: true)) == 200)
        #expect(try await stage.refreshes().count == 2)
        #expect(try await stage.journal()["reuse_count"] == 0)
    }
}

@Test func what_other_processes_do_is_noticed_at_once() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let broker = try stage.broker()
        let person = try program("stand-in-person")
        func said(_ ended: Ended) throws -> String {
            try #require(ended.code == 0, "\(ended.stderr)")
            return ended.stdout.trimmingCharacters(in: .newlines)
        }
        func loginElsewhere() async throws {
            _ = try said(await stage.home.tokenkeep("login", "acme", "--browser", person))
        }
        func atHand() throws -> String {
            try #require(try broker.cachedToken("acme")).secret
        }
        // Each change follows right upon a call that found the record in memory.
        for _ in 0..<3 {
            let before = try atHand()
            let refreshed = try said(await stage.home.tokenkeep("token", "acme", "--force-refresh"))
            let after = try atHand()
            #expect(after != before && after == refreshed, "a refresh")
            #expect(try await broker.token("acme").secret == refreshed)

            try await loginElsewhere()
            let found = try atHand()
            let stored = try said(await stage.home.tokenkeep("token", "acme"))
            #expect(found != refreshed && found == stored, "a login")

            _ = try said(await stage.home.tokenkeep("logout", "acme"))
            try await fails(.notConnected) { try broker.cachedToken("acme") }
            try await fails(.notConnected) { try await broker.token("acme") }
            try await loginElsewhere()
            let again = try atHand()
            #expect(try said(await stage.home.tokenkeep("token", "acme")) == again)
            _ = try atHand()
        }

        // A token that was handed out without a word on scopes is not handed out for more than it grants.
        for _ in 0..<3 {
            let token = try atHand()
            try await fails(.scopeNotGranted) { try broker.cachedToken("acme", scopes: ["read", "admin"]) }
            try await fails(.scopeNotGranted) { try await broker.token("acme", scopes: ["read", "admin"]) }
            #expect(try broker.cachedToken("acme", scopes: ["read"])?.secret == token)
        }

        // A whole store that is moved away takes its files along; that is seen a moment later.
        _ = try atHand()
        let away = stage.home.path.appendingPathComponent("away")
        try FileManager.default.moveItem(at: stage.home.store, to: away)
        try await until {
            do {
                _ = try atHand()
                return false
            } catch is TokenkeepError {
                return true
            }
        }
        try FileManager.default.moveItem(at: away, to: stage.home.store)
        _ = try atHand()
    }
}

@Test func a_thousand_callers_of_one_process_make_one_refresh() async throws {
    try await Stage.acme(alone: true) { stage in
        try await stage.loginExpired()
        try await stage.atRefresh(["type": "delay", "milliseconds": 300])
        // Two brokers of one process are as one.
        let brokers = [try stage.broker(), try stage.broker()]
        let secrets = try await together(Array(0..<1000)) { try await brokers[$0 % 2].token("acme").secret }
        #expect(secrets.count == 1000)
        #expect(Set(secrets).count == 1)
        #expect(try await stage.resource(secrets[0]) == 200)
        #expect(try await stage.refreshes().count == 1)
    }
}

@Test func cancelled_login_frees_the_port_and_keeps_nothing() async throws {
    try await Stage.acme(alone: true) { stage in
        try await stage.login()
        let before = try stage.records()
        let login = try await stage.beginLogin()
        let port = try await login.port
        #expect(try await Http.get(login.redirect()).status != 200, "the redirect is listened to")
        login.cancel()
        let (result, after) = await end(of: login.ended)
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(after < .milliseconds(200))
        #expect(try await isClosed(port))
        #expect(try stage.records() == before)
    }
}

/// What a program says when its window was closed.
private struct WindowClosed: LocalizedError, Equatable {
    let errorDescription: String? = "the window was closed"
}

/// The same, of a program that has no words for people.
private enum Closed: Error {
    case window
}

@Test func interaction_is_told_what_happens() async throws {
    try await Stage.acme { stage in
        // A browser that brings a stranger's answer first.
        let visited = Visited()
        let first = Program()
        let connection = try await stage.login(
            interaction: first.interaction { url in
                await visited.begin {
                    let foreign = try await Person.redirected(url).with(["state": "x"])
                    #expect(try await Http.get(foreign).status == 400)
                    #expect(try await Person.visit(url) == 0)
                }
            })
        try await visited.ended()
        #expect(connection.status == .connected)
        #expect(connection.hasRefreshToken)
        #expect(await first.told == ["flow pkce", "open", "refused"])

        try await stage.change(["device_interval": 1, "device_approve_after": 0])
        let second = Program()
        try await stage.login(interaction: second.interaction { _ in }) { $0.flow = .deviceCode }
        #expect(await second.told == ["flow device_code", "device 9 of 9, 900 s"])

        // The person closes the window: the program says so, at once or later, and the login ends with that.
        let atOnce: @Sendable (URL) async throws -> Void = { _ in throw WindowClosed() }
        let later: @Sendable (URL) async throws -> Void = { _ in
            await Task.yield()
            throw WindowClosed()
        }
        for flow in [Flow.pkce, .deviceCode] {
            for closes in [atOnce, later] {
                let error = try await fails(.loginCancelled) {
                    try await stage.login(interaction: Program().interaction(closes)) { $0.flow = flow }
                }
                #expect(error.message == "the window was closed")
                #expect(error.underlyingError is WindowClosed)
            }
        }
        // So does a method whose answer nobody waits for.
        let interaction = Interaction(flowChosen: { _, _ in throw Closed.window }, openURL: { _ in })
        let error = try await fails(.loginCancelled) { try await stage.login(interaction: interaction) }
        #expect(error.message == "window")
        #expect(error.underlyingError is Closed)
    }
}

/// What a browser does that nobody waits for.
private actor Visited {
    private var visit: Task<Void, any Error>?

    func begin(_ visit: @escaping @Sendable () async throws -> Void) {
        self.visit = Task { try await visit() }
    }

    func ended() async throws {
        try await #require(visit).value
    }
}

@Test func begin_and_finish_login() async throws {
    try await Stage.oidc { stage in
        let broker = try stage.broker()
        try await fails(.configInvalid) { try await broker.beginLogin("oidc", stage.named) }
        var options = stage.named
        options.redirectURI = "http://127.0.0.1:1/callback"
        let pending = try await broker.beginLogin("oidc", options)
        let other = try await broker.beginLogin("oidc", options)
        let answer = try await Person.redirected(pending.authorizationURL)
        let foreign = try await Person.redirected(other.authorizationURL)

        // The answer to another login is refused, and this one is still pending.
        let odd = ["http://127.0.0.1:1/callback", "about:blank", "http://127.0.0.1:1/callback?code=x"]
        for url in [foreign] + (try odd.map(address)) {
            try await fails(.providerRejected) { try await broker.finishLogin(pending, callbackURL: url) }
        }
        #expect(try await stage.asked("authorization_code").isEmpty)
        let connection = try await broker.finishLogin(pending, callbackURL: answer)
        #expect(connection.account.username == "person@example.com")

        // The same answer a second time: a server that sees a code twice ends the grant (RFC 6749 4.1.2).
        try await fails(.providerRejected) { try await broker.finishLogin(pending, callbackURL: answer) }
        #expect(try await stage.asked("authorization_code").count == 1, "a code is sent once")
        #expect(try await stage.resource(await broker.token("oidc").secret) == 200)
        // The other one can still be finished.
        #expect(try await broker.finishLogin(other, callbackURL: foreign).status == .connected)
    }
}
