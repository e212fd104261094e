// A store in a folder of its own, which goes with the test. Nothing here talks to a server: those tests are in
// tests/behaviour/swift.

import Foundation
import Tokenkeep

/// Runs a test with the options of a broker whose store is nowhere yet.
func withStore(_ test: (BrokerOptions) async throws -> Void) async throws {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent("tokenkeep-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await test(BrokerOptions(home: home, keySource: .file)))
    } catch {
        outcome = .failure(error)
    }
    try FileManager.default.removeItem(at: home)
    try outcome.get()
}

/// The error of a call that must fail as Tokenkeep's calls do.
func failure(of call: () async throws -> Any?) async throws -> TokenkeepError {
    do {
        throw NoFailure(answer: "\(try await call() ?? "nil")")
    } catch let error as TokenkeepError {
        return error
    }
}

/// A call that was to fail did not.
struct NoFailure: Error {
    let answer: String
}

/// Whatever a program may show of a value without asking it for anything.
func everythingShown(_ value: Any) -> String {
    var shown = ["\(value)", String(describing: value), String(reflecting: value), "\([value])"]
    shown.append("\(Optional(value) as Any)")
    for whole in [value, [value], ["key": value]] {
        var dumped = ""
        dump(whole, to: &dumped)
        shown.append(dumped)
    }
    return shown.joined(separator: "\n")
}
