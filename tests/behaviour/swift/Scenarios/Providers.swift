// Providers are data, and the user's own files win.

import Foundation
import Support
import Testing
import Tokenkeep

/// The files that the package brings.
private let files = root.appendingPathComponent("core/providers")

/// The names of their providers.
private func bundledNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(at: files, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "toml" }.map { $0.deletingPathExtension().lastPathComponent }.sorted()
}

/// The file of one of them.
private func bundledFile(_ name: String) throws -> String {
    trimmed(try String(contentsOf: files.appendingPathComponent("\(name).toml"), encoding: .utf8))
}

@Test func provider_file_wins_over_bundled() async throws {
    try await Stage.microsoft { stage in
        let (broker, bundledNames) = (try stage.broker(), try bundledNames())
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
        #expect(try trimmed(bundled.definition) == bundledFile("microsoft"))
        #expect(try await stage.resource(try await stage.accessToken(forceRefresh: true)) == 200)
        #expect(try await stage.refreshes().count == 1)
        #expect(try await !broker.removeProvider("microsoft"))
        try await fails(.unknownProvider) { try await broker.provider("nobody") }
        // Who adds a file is shown where secrets will go.
        let added = try await broker.addProvider(stage.home.path.appendingPathComponent("provider.toml"))
        #expect(added.endpoints.contains { $0.url.hasPrefix(stage.server.origin) }, "\(added)")
    }
}

@Test func bundled_providers_are_listed() async throws {
    try await Stage.oidc { stage in
        let broker = try stage.broker()
        let found = try await broker.providers()
        #expect(try found.providers.map(\.name) == bundledNames())
        #expect(found.damaged.isEmpty, "\(found.damaged)")
        #expect(found.providers.count >= 64)
        for provider in found.providers {
            let name = provider.name
            #expect(provider.origin == .bundled, "\(name)")
            let documentation = try #require(provider.documentation, "\(name)")
            #expect(try address(documentation).scheme == "https", "\(name)")
            #expect(try trimmed(provider.definition) == bundledFile(name), "\(name)")
            let confidence = "confidence = \"\(provider.confidence.rawValue)\""
            #expect(provider.definition.contains(confidence), "\(name): \(confidence)")
        }
        func of(_ name: String) throws -> Provider { try #require(found.providers.first { $0.name == name }) }
        #expect(try of("linear").apiHosts == ["api.linear.app"])
        let host = try #require(try of("gitlab").values.first)
        #expect(try of("gitlab").values.count == 1 && host.name == "host" && !host.learnt)
        #expect(host.description == "the server: gitlab.com, gitlab.example.com" && host.default == "gitlab.com")
        #expect(try of("wrike").values.first?.learnt == true)
        #expect(try await broker.provider("gitlab") == of("gitlab"))
        // A slip of the fingers is answered with what was meant, and not with all of them.
        let error = try await fails(.unknownProvider) { try await broker.provider("githb") }
        #expect(error.message.contains("did you mean github?") && !error.message.contains("microsoft"), "\(error)")
        #expect(error.help.contains("`tokenkeep providers`"), "\(error)")
    }
}

@Test func broken_provider_file_names_the_line() async throws {
    try await Stage.acme { stage in
        let (broker, bundledNames) = (try stage.broker(), try bundledNames())
        try await stage.login()
        let good = try stage.definition
        let before = try #require(good.split(separator: "\n").firstIndex { $0.hasPrefix("token = ") })
        let kept = stage.home.store.appendingPathComponent("providers/acme.toml")
        func with(_ replacement: String, for text: String) -> String {
            good.replacingOccurrences(of: text, with: replacement)
        }
        let line = before + 1
        let last = good.split(separator: "\n").count
        let login = "http://login.example/"
        let cases: [(broken: String, line: Int, said: String)] = [
            (
                with("\ntoken = \"ftp://", for: "\ntoken = \""), line,
                "endpoints.token: expected an https URL, found \"ftp://"
            ),
            (with("\ntoken = http://", for: "\ntoken = \""), line, ""),
            (
                with("\ntokem = ", for: "\ntoken = "), line,
                "endpoints.tokem: expected one of authorization, token,"
            ),
            (
                with("\ntoken = \"\(login)\" # \"http", for: "\ntoken = \"http"), line,
                "endpoints.token: expected an https URL, found \"\(login)\""
            ),
            (with("\ntoken = \"{customer}", for: "\ntoken = \""), line, "endpoints.token: expected"),
            (with("\ntoken = 1 # \"", for: "\ntoken = \""), line, "endpoints.token: expected a text, found integer 1"),
            (good + "\n[token]\nbody = \"yaml\"\n", last + 2, "token.body: expected form or json, found yaml"),
            (
                good + "\n[authorization]\ncode_challenge = \"none\"\n", last + 2,
                "authorization.code_challenge: is none, and [client] secret_required is not true"
            ),
            (good + "\nalways = []\n", last + 1, "expected each name once, found always twice"),
            (with("", for: "display_name = \"Acme\"\n"), 1, "display_name: is missing"),
            (with("schema = 2", for: "schema = 1"), 1, "schema: expected schema = 1, found 2"),
            ("\0", 1, ""),
            ("", 1, "schema: is missing"),
        ]
        for (broken, line, said) in cases {
            #expect(broken != good)
            func place(_ name: String) -> String { "\(name):\(line): \(said)" }
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
