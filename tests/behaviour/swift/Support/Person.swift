// The person and the browser: the whole person as `stand-in-person`, or one request at a time.

import Foundation
import Tokenkeep

public enum Person {
    /// Opens an authorization URL, says yes (or `--deny`), and goes where it is sent. The exit code.
    @discardableResult
    public static func visit(_ url: URL, _ options: String...) async throws -> Int32 {
        try await run(try program("stand-in-person"), options + [url.absoluteString]).code
    }

    /// Opens a verification URI, enters the code, and says yes (or `--deny`). The exit code.
    @discardableResult
    public static func enterUserCode(_ device: DeviceAuthorization, _ options: String...) async throws -> Int32 {
        try await enter(device.userCode, device.verificationURI, options)
    }

    /// The same with a code as the person typed it.
    @discardableResult
    public static func enterUserCode(
        _ userCode: String, at verificationURI: String, _ options: String...
    ) async throws -> Int32 {
        try await enter(userCode, verificationURI, options)
    }

    private static func enter(_ code: String, _ uri: String, _ options: [String]) async throws -> Int32 {
        try await run(try program("stand-in-person"), options + ["--device", uri, code]).code
    }

    /// Says yes at the authorization URL, and takes the address that the browser is sent to without going there.
    public static func redirected(_ url: URL) async throws -> URL {
        let answer = try await Http.get(url)
        guard let location = answer.header("Location") else {
            throw TestFailure("no redirect: \(answer.status) \(answer.text)")
        }
        return try address(location)
    }
}

extension URL {
    /// A parameter of the query.
    public func parameter(_ name: String) -> String? {
        URLComponents(url: self, resolvingAgainstBaseURL: false)?.queryItems?.first { $0.name == name }?.value
    }

    /// The same with other parameters; nil takes one away.
    public func with(_ parameters: [String: String?]) throws -> URL {
        guard var components = URLComponents(url: self, resolvingAgainstBaseURL: false) else {
            throw TestFailure("no URL: \(self)")
        }
        var items = (components.queryItems ?? []).filter { !parameters.keys.contains($0.name) }
        items += parameters.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
        components.queryItems = items.isEmpty ? nil : items
        guard let url = components.url else { throw TestFailure("no URL: \(components)") }
        return url
    }
}
