// How a login talks to the person, when the program does it.
//
// May not enter: what is said.

import Foundation
internal import TokenkeepNative

/// What a person must see and do for the device code flow (RFC 8628 3.3).
public struct DeviceAuthorization: Sendable, Hashable, Decodable {
    /// Where to go, on any device.
    public let verificationURI: String
    /// What to enter there.
    public let userCode: String
    /// The same address with the code in it, where the server gives one. Fit for a QR code.
    public let verificationURIComplete: String?
    /// The server's own words, in the person's language (Microsoft).
    public let message: String?
    /// Seconds until the code is worth nothing.
    public let expiresIn: TimeInterval
}

/// How a login talks to the person. Each of these may be left out.
///
/// They are called in a task of their own, which is cancelled when the login ends. What one of them throws ends the
/// login with `loginCancelled`, and is its ``TokenkeepError/underlyingError``.
public struct Interaction: Sendable {
    /// The flow that was chosen, and why.
    public var flowChosen: (@Sendable (Flow, String) async throws -> Void)?
    /// Takes the person to the authorization URL, in the system's browser. Opens that browser when left out.
    public var openURL: (@Sendable (URL) async throws -> Void)?
    /// Shows the user code and where to enter it. Say which program asks, and that nobody should go on who has not
    /// started it (RFC 8628 5.4). Without it there is no login by device code.
    public var showDeviceAuthorization: (@Sendable (DeviceAuthorization) async throws -> Void)?
    /// Asks for the address that the browser ended up at; again after one that was not the answer.
    public var readRedirectURL: (@Sendable () async throws -> String)?
    /// Something reached the redirect and was not the answer; the login goes on waiting.
    public var responseRefused: (@Sendable (String) async throws -> Void)?

    public init(
        flowChosen: (@Sendable (Flow, String) async throws -> Void)? = nil,
        openURL: (@Sendable (URL) async throws -> Void)? = nil,
        showDeviceAuthorization: (@Sendable (DeviceAuthorization) async throws -> Void)? = nil,
        readRedirectURL: (@Sendable () async throws -> String)? = nil,
        responseRefused: (@Sendable (String) async throws -> Void)? = nil
    ) {
        self.flowChosen = flowChosen
        self.openURL = openURL
        self.showDeviceAuthorization = showDeviceAuthorization
        self.readRedirectURL = readRedirectURL
        self.responseRefused = responseRefused
    }
}

/// One login's talk.
final class Talk: Person {
    private let interaction: Interaction
    private let tasks = Locked<[Task<Void, Never>]>([])
    private let first = Locked<(any Error)?>(nil)

    init(_ interaction: Interaction) {
        self.interaction = interaction
    }

    /// Those that the program has, by what the core calls them.
    var methods: [String] {
        let all: [(name: String, method: Any?)] = [
            ("flow_chosen", interaction.flowChosen),
            ("open_url", interaction.openURL),
            ("show_device_authorization", interaction.showDeviceAuthorization),
            ("read_redirect_url", interaction.readRedirectURL),
            ("response_refused", interaction.responseRefused),
        ]
        return all.filter { $0.method != nil }.map(\.name)
    }

    /// What a method has thrown first.
    var thrown: (any Error)? { first.access { $0 } }

    func call(method: String, arguments: [String], answer: Answer) {
        let task = Task {
            do {
                answer.settle(json: try await called(method, arguments))
            } catch {
                first.access { $0 = $0 ?? error }
                answer.refuse(message: (error as? any LocalizedError)?.errorDescription ?? "\(error)")
            }
        }
        tasks.access { $0.append(task) }
    }

    /// Nobody waits for answers any more.
    func end() {
        tasks.access { $0 }.forEach { $0.cancel() }
    }

    private func called(_ method: String, _ arguments: [String]) async throws -> String {
        switch method {
        case "flow_chosen":
            try await interaction.flowChosen?(try JSON.read(arguments[0]), try JSON.read(arguments[1]))
        case "open_url":
            try await interaction.openURL?(try url(try JSON.read(arguments[0])))
        case "show_device_authorization":
            try await interaction.showDeviceAuthorization?(try JSON.read(arguments[0]))
        case "read_redirect_url":
            return try JSON.written(try await interaction.readRedirectURL?())
        default:
            try await interaction.responseRefused?(try JSON.read(arguments[0]))
        }
        return JSON.nothing
    }
}

/// A URL of the core's, which Foundation can read or says that it cannot.
func url(_ text: String) throws -> URL {
    guard let url = URL(string: text) else { throw URLError(.badURL) }
    return url
}
