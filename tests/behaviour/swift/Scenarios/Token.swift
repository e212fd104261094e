// A token that is handed out.

import Support
import Testing
import Tokenkeep

@Test func cached_token_sends_nothing() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let token = try await stage.token()
        #expect(try await stage.resource(token.secret) == 200)
        #expect(try await stage.refreshes().isEmpty)
    }
}
