// What a token at hand costs, in microseconds for one call: the median of batches, synchronous, awaited, and awaited by
// the main actor, as a window does.
//
//   hot-token HOME CONNECTION
//
// Each call asks with scopes, as an agent does, and reads the token.

import Foundation
import Tokenkeep

struct Measure: Sendable {
    let broker: Broker
    let connection: String
    let scopes = ["User.Read"]
    let calls = 1000

    func sync() throws -> Double {
        let begun = ContinuousClock.now
        for _ in 0..<calls {
            let token = try broker.cachedToken("microsoft", connection: connection, scopes: scopes)
            precondition(token?.secret.isEmpty == false, "no token is at hand")
        }
        return (ContinuousClock.now - begun) / .microseconds(calls)
    }

    nonisolated func awaited() async throws -> Double {
        let begun = ContinuousClock.now
        for _ in 0..<calls {
            _ = try await broker.token("microsoft", connection: connection, scopes: scopes).secret
        }
        return (ContinuousClock.now - begun) / .microseconds(calls)
    }

    @MainActor func awaitedByMain() async throws -> Double {
        let begun = ContinuousClock.now
        for _ in 0..<calls {
            _ = try await broker.token("microsoft", connection: connection, scopes: scopes).secret
        }
        return (ContinuousClock.now - begun) / .microseconds(calls)
    }
}

let home = URL(fileURLWithPath: CommandLine.arguments[1])
let measure = Measure(broker: try Broker(BrokerOptions(home: home)), connection: CommandLine.arguments[2])
var taken: [String: [Double]] = [:]
for _ in 0..<100 {
    taken["sync", default: []].append(try measure.sync())
    taken["awaited", default: []].append(try await measure.awaited())
    taken["awaited by the main actor", default: []].append(try await measure.awaitedByMain())
}
let medians = taken.mapValues { $0.sorted()[$0.count / 2] }
print(String(decoding: try JSONEncoder().encode(medians), as: UTF8.self))
