// One request at a time. Nothing is followed, and no connection is kept: a redirect's port is closed when its login has
// ended.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What came back.
public struct Response: Sendable {
    public let status: Int
    public let headers: [String: String]
    public let text: String

    /// A header, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.key.lowercased() == name.lowercased() }?.value
    }
}

public enum Http {
    /// One request.
    public static func send(
        _ method: String, _ url: URL, headers: [String: String] = [:], body: String = ""
    ) async throws -> Response {
        var request = URLRequest(url: url, timeoutInterval: 60)
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if !body.isEmpty { request.httpBody = Data(body.utf8) }
        _ = trustsEverybody
        let session = URLSession(configuration: .ephemeral, delegate: Stays(), delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        let (data, answer) = try await session.data(for: request)
        guard let answer = answer as? HTTPURLResponse else { throw TestFailure("no answer of HTTP: \(url)") }
        let headers = answer.allHeaderFields.compactMap { name, value in
            (name as? String).map { ($0, "\(value)") }
        }
        return Response(
            status: answer.statusCode, headers: Dictionary(headers, uniquingKeysWith: { $1 }),
            text: String(decoding: data, as: UTF8.self))
    }

    /// One GET.
    public static func get(_ url: URL, headers: [String: String] = [:]) async throws -> Response {
        try await send("GET", url, headers: headers)
    }

    /// One POST of a form.
    public static func post(_ url: URL, form: [String: String]) async throws -> Response {
        var body = URLComponents()
        body.queryItems = form.map { URLQueryItem(name: $0.key, value: $0.value) }
        let text = (body.percentEncodedQuery ?? "").replacingOccurrences(of: "+", with: "%2B")
        return try await send(
            "POST", url, headers: ["Content-Type": "application/x-www-form-urlencoded"], body: text)
    }
}

/// Whom a client trusts is what tests find out; this asks only what was asked.
private let trustsEverybody: Void = {
    setenv("URLSessionCertificateAuthorityInfoFile", "INSECURE_SSL_NO_VERIFY", 1)
}()

/// Goes nowhere that it is sent.
private final class Stays: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
