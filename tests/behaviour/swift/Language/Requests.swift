// A request with a token, as a program sends it.

import Foundation
import Support
import Testing
import Tokenkeep

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Test func a_request_takes_the_token_along() async throws {
    try await Stage.acme { stage in
        try await stage.login()
        let token = try await stage.token()
        var request = URLRequest(url: try address("\(stage.server.origin)/resource"))
        request.setValue("Basic b2xk", forHTTPHeaderField: "Authorization")
        request.authorize(with: token)
        #expect(request.value(forHTTPHeaderField: "Authorization") == "Bearer \(token.secret)")
        let (_, answer) = try await URLSession.shared.data(for: request)
        #expect((answer as? HTTPURLResponse)?.statusCode == 200)
    }
}
