// A server that asks for a pause gets it, from every process.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func throttled_by_retry_after() async throws {
    let throttles: [Value] = [
        ["type": "throttle", "retry_after_seconds": 3],
        // An HTTP date has whole seconds.
        ["type": "throttle", "retry_after_seconds": 4, "as_date": true],
        ["type": "throttle", "retry_after_seconds": 3, "status": 503],
    ]
    _ = try await together(throttles) { throttle in
        try await Stage.acme { try await isKept(throttle, on: $0, atLeast: 3000) }
    }
}

/// Every process keeps the pause, which is `atLeast` so many milliseconds long, and no longer than it must.
private func isKept(_ throttle: Value, on stage: Stage, atLeast pause: Int) async throws {
    try await stage.login()
    let token = try await stage.accessToken()
    let elsewhere = try await together(3) { try await Elsewhere(stage) }
    try await stage.atRefresh(throttle)
    let error = try await fails(.throttled) { try await stage.token(forceRefresh: true) }
    // A whole second, and no sooner than the server wants.
    let wait = try #require(error.retryAt).timeIntervalSinceNow
    let wanted = try #require(throttle["retry_after_seconds"].int)
    #expect(wait > 0 && wait <= TimeInterval(wanted + 1), "\(wait) s")
    // The pause is everybody's: no process asks to find out for itself.
    let others = try await together(elsewhere) { one in
        try await failsElsewhere(.throttled) { try await one.accessToken("acme") { $0.forceRefresh = true } }
    }
    #expect(others.map(\.code) == [.throttled, .throttled, .throttled])
    // Whoever can use the token at hand gets it.
    #expect(try await stage.accessToken() == token)
    #expect(try await stage.accessToken(minLifetime: 7200) == token)
    #expect(try await stage.refreshes().count == 1, "\(throttle)")
    try await until {
        do {
            return try await stage.accessToken(forceRefresh: true) != token
        } catch let error as TokenkeepError {
            try isSound(error, .throttled)
            return false
        }
    }
    let refreshes = try await stage.refreshes().compactMap { $0["milliseconds"].int }
    try #require(refreshes.count == 2)
    let gap = refreshes[1] - refreshes[0]
    #expect(gap >= pause && gap < pause + 3000, "\(throttle): \(gap) ms")
}
