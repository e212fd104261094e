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
        if url.scheme == "https" { return try await sendUnverified(method, url, headers: headers, body: body) }
        var request = URLRequest(url: url, timeoutInterval: 60)
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if !body.isEmpty { request.httpBody = Data(body.utf8) }
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

/// One request, whatever certificate is shown: whom a client trusts is what tests find out. By way of `openssl`:
/// Foundation outside of Apple's systems insists on a certificate that the system knows.
private func sendUnverified(
    _ method: String, _ url: URL, headers: [String: String], body: String
) async throws -> Response {
    let target = url.path + (url.query.map { "?\($0)" } ?? "")
    let place = "\(url.host ?? ""):\(url.port ?? 443)"
    let own = ["Host": place, "Connection": "close", "Content-Length": "\(body.utf8.count)"]
    let lines = ["\(method) \(target) HTTP/1.1"] + headers.merging(own) { $1 }.map { "\($0): \($1)" }
    let request = lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    let ended = try await run(
        "/bin/sh", ["-c", "printf %s \"$0\" | openssl s_client -quiet -connect \"$1\"", request, place])
    let parts = ended.stdout.replacingOccurrences(of: "\r\n", with: "\n").components(separatedBy: "\n\n")
    let head = parts[0].components(separatedBy: "\n")
    guard let status = head[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
        throw TestFailure("no answer of HTTP: \(url): \(ended.stderr)")
    }
    let named = head.dropFirst().map { line in
        let halves = line.components(separatedBy: ": ")
        return (halves[0], halves.dropFirst().joined(separator: ": "))
    }
    return Response(
        status: status, headers: Dictionary(named, uniquingKeysWith: { $1 }),
        text: parts.dropFirst().joined(separator: "\n\n"))
}

/// Goes nowhere that it is sent.
private final class Stays: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
