// The names that a document's reader brings.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Shows a text to the person, who opens the address in it.
func show(_ text: String) throws {
    let browser = Process()
    browser.executableURL = ProcessInfo.processInfo.environment["BROWSER"].map(URL.init(fileURLWithPath:))
    browser.arguments = [String(text.split(separator: " ").last ?? "")]
    try browser.run()
}

/// Opens an authorization URL, says yes; the address that the person is sent back to.
func visit(_ url: URL) async throws -> URL {
    let (_, answer) = try await session.data(from: url)
    let location = (answer as? HTTPURLResponse)?.value(forHTTPHeaderField: "Location")
    guard let callbackURL = location.flatMap(URL.init(string:)) else { throw URLError(.badServerResponse) }
    return callbackURL
}

private let session = URLSession(configuration: .ephemeral, delegate: Stays(), delegateQueue: nil)

/// Goes nowhere that it is sent.
private final class Stays: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
