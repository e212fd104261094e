// What a program asks for again and again: the token at hand, with the same words. The native half is told of them
// once.
//
// May not enter: a token.

import Foundation
internal import TokenkeepNative

/// The words of a question.
struct Asked: Equatable {
    let provider: String
    let connection: String?
    let scopes: [String]?
    let resource: String?
    let minLifetime: TimeInterval?
}

/// The questions that were asked last.
final class Questions: Sendable {
    /// A program that asks for more than these in turn pays some microseconds for each.
    private static let most = 8

    private let last = Locked<[(asked: Asked, question: Question)]>([])

    /// The question, as the native half holds it.
    func question(for asked: Asked) throws -> Question {
        if let known = last.access({ $0.first { $0.asked == asked }?.question }) {
            return known
        }
        let request = Request(asked.provider, asked.connection, asked.resource) {
            $0.scopes = asked.scopes
            $0.minLifetime = asked.minLifetime
        }
        let question = try Question.read(request: JSON.written(request))
        last.access { $0 = [(asked, question)] + $0.prefix(Self.most - 1) }
        return question
    }
}
