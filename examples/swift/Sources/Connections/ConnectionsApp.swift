// A window that shows the connections of this machine as they come and go, and logs in to Microsoft.
//
// Give the app a URL scheme, register `<scheme>://auth` as a redirect URI of the platform *iOS / macOS*, and put both
// below. On a system without windows it prints the connections.

import Foundation
import Tokenkeep

let clientID = "your-client-id"
let redirectURI = "msauth.com.example.connections://auth"

#if canImport(SwiftUI)
    import SwiftUI

    @main
    struct ConnectionsApp: App {
        var body: some Scene {
            WindowGroup("Connections") { ConnectionsView() }
        }
    }

    struct ConnectionsView: View {
        @State private var connections: [String: Connection] = [:]
        @State private var failure: TokenkeepError?
        private let broker = Result { try Broker() }

        var body: some View {
            VStack(alignment: .leading) {
                List(connections.values.sorted { $0.name < $1.name }, id: \.name) { connection in
                    LabeledContent(connection.name, value: connection.status.rawValue)
                }
                if let failure {
                    Text(failure.message)
                    Text(failure.help).font(.footnote)
                }
                Button("Log in to Microsoft") { Task { await login() } }
            }
            .padding()
            .task { await watch() }
        }

        /// Until the window is closed.
        private func watch() async {
            await showing {
                for try await change in try broker.get().connectionChanges() {
                    let connection = change.connection
                    connections[connection.name] = change.kind == .disappeared ? nil : connection
                }
            }
        }

        private func login() async {
            await showing {
                guard let window = NSApplication.shared.keyWindow else { return }
                let options = LoginOptions(clientID: clientID, redirectURI: redirectURI)
                try await broker.get().login("microsoft", options, in: window)
            }
        }

        /// A failure that somebody can do something about is shown.
        private func showing(_ work: () async throws -> Void) async {
            do {
                try await work()
            } catch {
                failure = error as? TokenkeepError
            }
        }
    }
#else
    @main
    struct ConnectionsList {
        static func main() async throws {
            for connection in try await Broker().connections().connections {
                print("\(connection.name): \(connection.status.rawValue)")
            }
        }
    }
#endif

extension Connection {
    /// `microsoft/default`.
    var name: String { "\(provider)/\(connection)" }
}
