// How a call says that it failed: a code, one line, what to do. Never a secret.

import Foundation
import Testing
import Tokenkeep

/// What a test puts into bodies that must not be seen anywhere: a failure is searched for it.
private let canary = "canary"

/// The error of `call`, which must fail with `code` as the table of all languages has it.
@discardableResult
public func fails(
    _ code: TokenkeepError.Code, at location: SourceLocation = #_sourceLocation, _ call: () async throws -> Any?
) async throws -> TokenkeepError {
    let error: any Error
    do {
        let answer = try await call()
        throw TestFailure("it did not fail: \(answer ?? "nil")")
    } catch let caught {
        error = caught
    }
    guard let error = error as? TokenkeepError else {
        Issue.record("\(code.rawValue) was to come, and this came: \(error)", sourceLocation: location)
        throw error
    }
    try isSound(error, code, at: location)
    return error
}

/// That the error is `code` as the table of all languages has it, and shows nothing that it should not.
public func isSound(
    _ error: TokenkeepError, _ code: TokenkeepError.Code, at location: SourceLocation = #_sourceLocation
) throws {
    let rows = try errorTable()
    let row = try #require(
        rows.first { $0["code"].string == code.rawValue }, "not in the table", sourceLocation: location)
    #expect(error.code == code, "\(error)", sourceLocation: location)
    #expect(error.isRetryable == row["retryable"].bool, "\(error)", sourceLocation: location)
    let message = error.message
    #expect(!message.isEmpty && !message.contains("\n") && message.count <= 500, "\(message)", sourceLocation: location)
    #expect(!error.help.isEmpty, sourceLocation: location)
    #expect(error.errorDescription == message && error.recoverySuggestion == error.help, sourceLocation: location)
    var dumped = ""
    dump(error, to: &dumped)
    // Codes of errors are about device codes too.
    let told = "\(error)\n\(error.localizedDescription)\n\(dumped)".replacingOccurrences(of: "device-code", with: "")
    for secret in ["access-", "refresh-", "code-", "device-", canary] {
        #expect(!told.contains(secret), "\(told)", sourceLocation: location)
    }
}

/// The rows of the table of all languages.
public func errorTable() throws -> [Value] {
    let file = root.appendingPathComponent("tests/vectors/errors.json")
    return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))["errors"].list
}
