// Where a token may go is the core's to say; here is what of a URL it is asked about.

import Foundation
import Testing
import Tokenkeep

private func hosts() throws -> AllowedHosts {
    try AllowedHosts([
        "graph.microsoft.com", "*.sharepoint.com", "127.0.0.1:8080", "[::1]:8080", "münchen.example",
    ])
}

@Test(arguments: [
    "https://graph.microsoft.com/v1.0/me",
    "https://GRAPH.microsoft.com:443",
    "HTTPS://graph.microsoft.com",
    "https://contoso.sharepoint.com",
    "http://127.0.0.1:8080",
    "http://[::1]:8080",
    "https://münchen.example",
    "https://xn--mnchen-3ya.example",
])
func a_token_may_be_sent_there(address: String) throws {
    let url = try #require(URL(string: address))
    #expect(try hosts().allow(url))
    try hosts().require(url)
}

@Test(arguments: [
    "http://graph.microsoft.com",
    "https://graph.microsoft.com:8443",
    "https://graph.microsoft.com:70000",
    "https://graph.microsoft.com:65979",
    "https://graph.microsoft.com@attacker.example",
    "https://graph.microsoft.com%2F.attacker.example",
    "https://sharepoint.com",
    "http://127.0.0.1",
    "http://127.0.0.1:8081",
    "file:///graph.microsoft.com",
    "graph.microsoft.com",
])
func a_token_may_not_be_sent_there(address: String) async throws {
    let url = try #require(URL(string: address))
    #expect(try !hosts().allow(url))
    let error = try await failure { try hosts().require(url) }
    #expect(error.code == .configInvalid && !error.help.isEmpty, "\(error)")
}

@Test(arguments: [[], [""], ["*"], ["https://graph.microsoft.com"], ["graph.microsoft.com", "a b"]])
func what_is_no_host_is_refused_at_once(hosts: [String]) async throws {
    #expect(try await failure { try AllowedHosts(hosts) }.code == .configInvalid)
}
