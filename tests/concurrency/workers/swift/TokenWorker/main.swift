// A process that asks for tokens whenever it is told to, in Swift: tasks that share a Broker, as in an app.
//
//   token-worker PROVIDER CALLERS [LOCK_WAIT_MILLISECONDS]
//
// The lines that it reads and writes are those of `tests/concurrency/src/bin/token-worker.rs`.

import Foundation
import Tokenkeep

/// One call, as the race reads it.
struct Call: Encodable {
    var token: String?
    var expires_at: Int?
    var error: String?
    var milliseconds = 0.0
}

/// What a line asks for.
struct Wanted {
    var forceRefresh = false
    var minLifetime: TimeInterval?
    var scopes: [String]?

    init(_ line: String) {
        let words = line.split(separator: " ")
        switch words.first {
        case "token": break
        case "force":
            forceRefresh = true
            scopes = words.count > 1 ? [String(words[1])] : nil
        case "min-lifetime": minLifetime = TimeInterval(words[1])
        default: fatalError("no such line: \(line)")
        }
    }
}

let arguments = CommandLine.arguments
let (provider, callers) = (arguments[1], Int(arguments[2])!)
let lockWait = arguments.count > 3 ? TimeInterval(arguments[3])! / 1000 : nil
let broker = try Broker(BrokerOptions(lockWait: lockWait))

@Sendable func ask(_ wanted: Wanted) async -> Call {
    var call = Call()
    let clock = ContinuousClock()
    let begun = clock.now
    do {
        let token = try await broker.token(
            provider, scopes: wanted.scopes, minLifetime: wanted.minLifetime, forceRefresh: wanted.forceRefresh)
        call.token = token.secret
        call.expires_at = token.expiresAt.map { Int($0.timeIntervalSince1970) }
    } catch let error as TokenkeepError {
        call.error = error.code.rawValue
    } catch {
        fatalError("\(error)")
    }
    call.milliseconds = (clock.now - begun) / .milliseconds(1)
    return call
}

func say(_ line: Data) {
    FileHandle.standardOutput.write(line + Data("\n".utf8))
}

say(Data("ready".utf8))
while let line = readLine() {
    let wanted = Wanted(line)
    let calls = await withTaskGroup(of: Call.self, returning: [Call].self) { group in
        for _ in 0..<callers {
            group.addTask { await ask(wanted) }
        }
        var calls: [Call] = []
        for await call in group {
            calls.append(call)
        }
        return calls
    }
    say(try JSONEncoder().encode(calls))
}
