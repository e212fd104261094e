// Providers are data, and the user's own files win.

import Foundation
import Support
import Testing
import Tokenkeep

private let bundledNames = ["github", "google", "microsoft", "oidc"]

@Test func provider_file_wins_over_bundled() async throws {
    try await Stage.microsoft { stage in
        let broker = try stage.broker()
        func microsoft() async throws -> Provider {
            let found = try await broker.providers()
            #expect(found.providers.map(\.name) == bundledNames, "each name stands once")
            #expect(found.damaged.isEmpty, "\(found.damaged)")
            let listed = try #require(found.providers.first { $0.name == "microsoft" })
            #expect(try await broker.provider("microsoft") == listed)
            return listed
        }
        let own = try await microsoft()
        #expect(own.origin == .user && own.displayName == "Microsoft", "\(own)")
        #expect(own.definition.contains(stage.server.origin), "\(own)")
        #expect(try String(contentsOfFile: try #require(own.file), encoding: .utf8) == own.definition)
        try await stage.login()
        #expect(try await stage.asked("authorization_code").count == 1)

        // Without the file the bundled one is used again; a grant still goes back to where it came from.
        #expect(try await broker.removeProvider("microsoft"))
        let bundled = try await microsoft()
        #expect(bundled.origin == .bundled && bundled.file == nil, "\(bundled)")
        let written = try String(
            contentsOf: root.appendingPathComponent("core/providers/microsoft.toml"), encoding: .utf8)
        #expect(trimmed(bundled.definition) == trimmed(written))
        #expect(try await stage.resource(try await stage.accessToken(forceRefresh: true)) == 200)
        #expect(try await stage.refreshes().count == 1)
        #expect(try await !broker.removeProvider("microsoft"))
        try await fails(.unknownProvider) { try await broker.provider("nobody") }
        // Who adds a file is shown where secrets will go.
        let added = try await broker.addProvider(stage.home.path.appendingPathComponent("provider.toml"))
        #expect(added.endpoints.contains { $0.url.hasPrefix(stage.server.origin) }, "\(added)")
    }
}

@Test func broken_provider_file_names_the_line() async throws {
    try await Stage.acme { stage in
        let broker = try stage.broker()
        try await stage.login()
        let good = try stage.definition
        let before = try #require(good.split(separator: "\n").firstIndex { $0.hasPrefix("token = ") })
        let kept = stage.home.store.appendingPathComponent("providers/acme.toml")
        func with(_ replacement: String, for text: String) -> String {
            good.replacingOccurrences(of: text, with: replacement)
        }
        let cases: [(broken: String, line: Int?)] = [
            (with("\ntoken = \"ftp://", for: "\ntoken = \""), before + 1),
            (with("\ntoken = http://", for: "\ntoken = \""), before + 1),
            (with("\ntokem = ", for: "\ntoken = "), before + 1),
            (with("schema = 2", for: "schema = 1"), 1),
            ("", nil),
        ]
        for (broken, line) in cases {
            #expect(broken != good)
            func place(_ name: String) -> String { line.map { "\(name):\($0)" } ?? name }
            let file = try stage.home.write("broken.toml", broken)
            let error = try await fails(.configInvalid) { try await broker.addProvider(file) }
            #expect(error.message.contains(place("broken.toml")), "\(broken)\n\(error)")
            #expect(try String(contentsOf: kept, encoding: .utf8) == good, "a broken file replaces nothing")

            // One that was broken by hand harms nobody else.
            try Data(broken.utf8).write(to: kept)
            let refused = try await fails(.configInvalid) { try await stage.login() }
            #expect(refused.message.contains(place("acme.toml")), "\(refused)")
            let found = try await broker.providers()
            #expect(found.providers.map(\.name) == bundledNames)
            #expect(found.damaged.count == 1)
            try isSound(try #require(found.damaged.first), .configInvalid)
            #expect(try await stage.resource(try await stage.accessToken(forceRefresh: true)) == 200)
            try Data(good.utf8).write(to: kept)
        }
        for path in ["/nonexistent.toml", "/dev/zero"] {
            try await fails(.configInvalid) { try await broker.addProvider(URL(fileURLWithPath: path)) }
        }
        #expect(try await stage.login().status == .connected)
    }
}

private func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
}
