// The network as the environment has it: a proxy, a certificate authority of the company's own, none at all.

import Foundation
import Support
import Testing
import Tokenkeep

private let login = "login.microsoftonline.com"

@Test func proxies_and_certificates_of_the_environment() async throws {
    try await Stage.internet { stage in
        func tunnels() async throws -> [String] { try await stage.journal()["tunnels"].list.compactMap(\.string) }
        // The environment is a process's own.
        let program = try await Elsewhere(stage, environment: stage.network)
        let person = try Support.program("stand-in-person")
        try await program.run(
            Errand("microsoft") {
                $0.person = person
                $0.clientID = clientID
            })
        let token = try await program.accessToken("microsoft") { $0.forceRefresh = true }
        // The person's page, the code, the refresh.
        #expect(try await tunnels() == Array(repeating: "\(login):443", count: 3))
        let entries = try await stage.entries()
        #expect(!entries.isEmpty && entries.allSatisfy { $0["host"].string == login }, "\(entries)")
        let issuer = try await stage.connection().issuer
        #expect(issuer?.hasPrefix("https://\(login)/") == true, "\(issuer ?? "none")")

        // An authority that nobody vouches for: the request, with the refresh token in it, does not leave.
        let distrustful = try await Elsewhere(stage, environment: ["HTTPS_PROXY": stage.server.proxy])
        let refused = try await failsElsewhere(.network) {
            try await distrustful.accessToken("microsoft") { $0.forceRefresh = true }
        }
        #expect(refused.message.contains(login) && refused.help.contains("SSL_CERT_FILE"), "\(refused)")
        #expect(try await stage.entries().count == entries.count)

        // An address of this machine that does not look like one. The certificate is not for it, which only who asks
        // directly finds out.
        let port = try #require(try address(stage.server.origin).port)
        let odd = Errand("oidc") {
            $0.person = person
            $0.issuer = "https://[::ffff:127.0.0.1]:\(port)"
            $0.clientID = "c"
        }
        let before = try await tunnels().count
        try await failsElsewhere(.network) { try await program.run(odd) }
        #expect(try await tunnels().count == before + 1)
        let direct = try await Elsewhere(
            stage, environment: stage.network.merging(["NO_PROXY": "::ffff:127.0.0.1"]) { $1 })
        try await failsElsewhere(.network) { try await direct.run(odd) }
        #expect(try await tunnels().count == before + 1)

        // The network is cut: what is at hand is as good as before.
        try await stage.server.stop()
        #expect(try await program.accessToken("microsoft") == token)
        try await failsElsewhere(.network) { try await program.accessToken("microsoft") { $0.forceRefresh = true } }
    }
}
