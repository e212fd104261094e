// Requests and records as the native half has them: with underscores, and with seconds since the epoch. Swift has names
// and dates of its own.
//
// May not enter: a name, but for the words that Swift writes in capitals.

import Foundation

enum JSON {
    static let nothing = "null"

    /// The answer of a call that answers nothing.
    struct Nothing: Decodable {
        init(from decoder: any Decoder) {}
    }

    static func written(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "NaN")
        encoder.keyEncodingStrategy = .custom { Key(stringValue: snakeCase($0.last?.stringValue ?? "")) }
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func read<Value: Decodable>(_ json: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .secondsSince1970
        decoder.keyDecodingStrategy = .custom { Key(stringValue: camelCase($0.last?.stringValue ?? "")) }
        return try decoder.decode(Value.self, from: Data(json.utf8))
    }

    private static let capitals = ["id": "ID", "uri": "URI", "url": "URL"]

    /// `clientID` for `client_id`.
    private static func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_").map(String.init)
        return words.prefix(1).joined() + words.dropFirst().map { capitals[$0] ?? $0.capitalized }.joined()
    }

    /// `client_id` for `clientID`.
    private static func snakeCase(_ name: String) -> String {
        var snake = ""
        var before: Character?
        for letter in name {
            if letter.isUppercase, before?.isLowercase == true {
                snake.append("_")
            }
            snake += letter.lowercased()
            before = letter
        }
        return snake
    }

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            nil
        }
    }
}
