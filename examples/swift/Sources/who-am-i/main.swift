// Says who is logged in to Microsoft, as Graph knows them.
//
//   export MICROSOFT_OAUTH_CLIENT_ID=...   # an app registration of your own: docs/providers/microsoft.md
//   swift run who-am-i
//
// The first run opens the browser. All later ones, for weeks, and every other program on the machine, have the token.

import Foundation
import Tokenkeep

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

// Those of all examples: one login is enough for them.
let scopes = ["User.Read", "Mail.Read", "Calendars.Read"]
/// The errors that a login ends.
let logIn: [TokenkeepError.Code] = [
    .notConnected, .loginRequired, .scopeNotGranted, .consentRequired, .interactionRequired,
]

/// What Graph says of a person.
struct Person: Decodable {
    let displayName: String
    let mail: String?
}

func token(of broker: Broker) async throws -> AccessToken {
    do {
        return try await broker.token("microsoft", scopes: scopes)
    } catch let error as TokenkeepError where logIn.contains(error.code) {
        print(error.message)
        print(error.help)
        try await broker.login("microsoft", LoginOptions(scopes: scopes))
        return try await broker.token("microsoft", scopes: scopes)
    }
}

var request = URLRequest(url: URL(string: "https://graph.microsoft.com/v1.0/me")!)
request.authorize(with: try await token(of: try Broker()))
let (data, _) = try await URLSession.shared.data(for: request)
let person = try JSONDecoder().decode(Person.self, from: data)
print([person.displayName, person.mail].compactMap { $0 }.joined(separator: ", "))
