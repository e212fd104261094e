// Providers that differ from customer to customer, and from the standards.

import Foundation
import Support
import Testing
import Tokenkeep

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Keeps this file as that of `acme`.
@discardableResult
private func add(_ definition: String, to stage: Stage) async throws -> Provider {
    try await stage.broker().addProvider(stage.home.write("dialect.toml", definition))
}

/// The file of `acme` with these sections beside the usual ones.
private func addSections(_ more: String, to stage: Stage) async throws {
    try await add(stage.definition.replacingOccurrences(of: "[client]", with: "\(more)\n[client]"), to: stage)
}

/// The paths that were asked for, in their order.
private func paths(_ stage: Stage) async throws -> [String] {
    try await stage.entries().compactMap { $0["path"].string }
}

@Test func values_fill_the_endpoints_of_a_provider() async throws {
    try await Stage.acme { stage in
        let sections = """
            [values.customer]
            description = "what stands before .acme.example"
            [api]
            hosts = ["{customer}.acme.example"]
            [client]
            """
        let origin = "\"\(stage.server.origin)"
        let own = try stage.definition.replacingOccurrences(of: origin, with: "\(origin)/c/{customer}")
            .replacingOccurrences(of: "[client]", with: sections)
        let value = try #require(try await add(own, to: stage).values.first)
        #expect(value.name == "customer" && value.default == nil && !value.learnt, "\(value)")

        // Nobody is asked anything before the value is known, and of its form.
        let missing = try await fails(.configInvalid) { try await stage.login() }
        #expect(missing.message == "Acme needs the value customer: what stands before .acme.example")
        #expect(missing.help.contains("tokenkeep login acme --value customer=VALUE"), "\(missing)")
        for customer in ["a.b", "a/b", "a@evil.example", "a#", "a?b", "a:1", "", "..", "-a"] {
            let error = try await fails(.configInvalid) {
                try await stage.login { $0.values = ["customer": customer] }
            }
            #expect(error.message.contains("the value customer of Acme must be one label"), "\(customer): \(error)")
        }
        let unknown = try await fails(.configInvalid) { try await stage.login { $0.values = ["shop": "one"] } }
        #expect(unknown.message.contains("\"shop\"; it has customer"), "\(unknown)")
        #expect(try await stage.entries().isEmpty, "nothing was asked of anybody")

        let connection = try await stage.login { $0.values = ["customer": "One"] }
        #expect(try await paths(stage) == ["/c/one/authorize", "/c/one/token"])
        #expect(connection.values == ["customer": "one"] && connection.apiHosts == ["one.acme.example"])
        let hosts = try await stage.broker().allowedHosts("acme")
        #expect(try hosts.allow(address("https://one.acme.example")))
        #expect(try !hosts.allow(address("https://two.acme.example")))

        // It is remembered; another one is another customer, beside the first.
        #expect(try await stage.login().values == connection.values)
        try await stage.login {
            $0.connection = "two"
            $0.values = ["customer": "two"]
        }
        // What a record says is enough: the file is of no more concern.
        #expect(try await stage.broker().removeProvider("acme"))
        _ = try await stage.token(forceRefresh: true)
        _ = try await stage.token(connection: "two", forceRefresh: true)
        try await stage.logout()
        let redeemed = ["/c/one/token", "/c/one/token", "/c/two/token"]
        let after = ["/c/one/token", "/c/two/token", "/c/one/revoke"]
        #expect(try await paths(stage).filter { !$0.hasSuffix("/authorize") } == redeemed + after)
    }
}

@Test func values_are_learnt_from_the_server() async throws {
    try await Stage.acme { stage in
        try await addSections(
            """
            [values.instance_url]
            form = "https_url"
            from = "token_response"
            allowed = ["*.acme.example"]
            [values.company]
            form = "text"
            from = "authorization_response"
            member = "companyId"
            [api]
            hosts = ["{instance_url}"]
            """, to: stage)
        func says(_ address: String) async throws {
            try await stage.change(["token_response": ["members": ["instance_url": .text(address)]]])
        }
        try await says("https://One.acme.example/")
        let login = try await stage.beginLogin()
        let answer = try await Person.redirected(login.url)
        _ = try await Http.get(address("\(answer)&companyId=9341453"))
        let kept = try await login.ended.value
        // By the names of the file, whatever this language would call them.
        #expect(kept.values == ["company": "9341453", "instance_url": "https://one.acme.example"])
        #expect(kept.apiHosts == ["one.acme.example"])

        // A server that is not itself, or a proxy, sends no token elsewhere: nothing is kept of such an answer.
        let records = try stage.records()
        let wrong = [
            "https://one.acme.example.evil.example",
            "https://evil.example/.acme.example",
            "https://evil.example#one.acme.example",
            "https://one.acme.example@evil.example",
            "http://one.acme.example",
            "javascript:alert(1)",
        ]
        for address in wrong {
            try await says(address)
            let error = try await fails(.providerRejected) { try await stage.login() }
            #expect(error.message.hasPrefix("the server's instance_url must be"), "\(address): \(error)")
            #expect(!error.message.contains("evil"), "\(error)")
            #expect(try stage.records() == records, "\(address): the earlier login stays")
        }
        #expect(try await stage.connection() == kept)
        // What is learnt is nobody's to say.
        let error = try await fails(.configInvalid) {
            try await stage.login { $0.values = ["instance_url": "https://one.acme.example"] }
        }
        #expect(error.message.contains("is learnt from the server"), "\(error)")
        #expect(try await stage.resource(stage.accessToken(forceRefresh: true)) == 200)
    }
}

@Test func a_token_goes_in_the_header_of_its_api() async throws {
    let ways = [("X-Acme-Token", "", ""), ("Authorization", "Acme-oauthtoken", "Acme-oauthtoken ")]
    for (header, scheme, sent) in ways {
        try await Stage.acme { stage in
            let api = "[api]\nhosts = [\"127.0.0.1\"]\nheader = \"\(header)\"\nscheme = \"\(scheme)\""
            try await addSections(api, to: stage)
            try await stage.change(["api": ["header": .text(header.lowercased()), "scheme": .text(scheme)]])
            try await stage.login()
            let url = try address("\(stage.server.origin)/api")
            func isTaken(_ token: AccessToken) async throws {
                #expect(token.headerName == header && token.authorizationHeader == sent + token.secret)
                // As a request of Foundation has it from the token.
                var request = URLRequest(url: url)
                request.authorize(with: token)
                let headers = try #require(request.allHTTPHeaderFields)
                #expect(headers.count == 1, "\(header)")
                #expect(try await Http.get(url, headers: headers).status == 200, "\(header)")
                let bearer = ["Authorization": "Bearer \(token.secret)"]
                #expect(try await Http.get(url, headers: bearer).status == 401, "\(header)")
                // A client that would make a bearer token of it does not get it.
                try await fails(.unsupported) { try token.bearer() }
            }
            try await isTaken(stage.token())
            // The record says how, whatever becomes of the file.
            try await stage.broker().removeProvider("acme")
            try await isTaken(stage.token(forceRefresh: true))
            try await isTaken(#require(try stage.broker().cachedToken("acme")))
        }
    }
}
