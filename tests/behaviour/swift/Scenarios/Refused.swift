// What a login must not take: answers of another login or another server, and id_tokens of anybody else.

import Foundation
import Support
import Testing
import Tokenkeep

/// Waits until the program has been told that something was not the answer: why, and nothing of what came.
private func isToldOfARefusal(_ login: UnderWay) async throws {
    try await until { await !login.refused.isEmpty }
    let state = try await login.parameter("state")
    for reason in await login.refused {
        #expect(!reason.isEmpty && !reason.contains(state) && !reason.contains("canary"), "\(reason)")
    }
}

/// What the redirect answers to a query that is sent as it stands.
private func page(_ login: UnderWay, _ query: String) async throws -> Response {
    let redirect = try await login.redirect()
    return try await Http.get(query.isEmpty ? redirect : try address("\(redirect)?\(query)"))
}

@Test func wrong_state_is_refused_and_the_login_goes_on() async throws {
    try await Stage.microsoft { stage in
        let login = try await stage.beginLogin()
        let state = try await login.parameter("state")
        // Whatever a stranger on this machine, or a page in the browser, may send.
        let strange = [
            "code=x&state=wrong",
            "code=x",
            "code=x&state=",
            "error=access_denied&error_description=canary&state=wrong",
            "code=&state=\(state)",
            "code=a&code=b&state=\(state)",
            "code=a&state=\(state)&state=\(state)",
            "code=a&error=access_denied&state=\(state)",
            "",
        ]
        for query in strange {
            let answer = try await page(login, query)
            #expect(answer.status == 400, "\(query)")
            #expect(answer.text.contains("still waiting") && !answer.text.contains(state), "\(query)")
        }
        let forged = try await Http.post(login.redirect(), form: ["code": "x", "state": "wrong"])
        #expect(forged.status == 400)
        let redirect = try await login.redirect()
        let elsewhere = try #require(URL(string: "/?code=x&state=\(state)", relativeTo: redirect))
        #expect(try await Http.get(elsewhere.absoluteURL).status == 404)
        try await isToldOfARefusal(login)
        #expect(try await stage.asked("authorization_code").isEmpty, "nothing was redeemed")

        #expect(try await Person.visit(login.url) == 0)
        #expect(try await login.ended.value.status == .connected)
        #expect(try await stage.asked("authorization_code").count == 1)
    }
}

@Test func mix_up_is_refused() async throws {
    try await Stage.oidc { stage in
        let login = try await stage.beginLogin()
        try await stage.change(["issuer_parameter": "wrong"])
        #expect(try await Http.get(Person.redirected(login.url)).status == 400)
        try await isToldOfARefusal(login)
        #expect(try await stage.asked("authorization_code").isEmpty, "the code of a stranger goes nowhere")
        // An error of a stranger is neither acted on nor shown.
        let state = try await login.parameter("state")
        let error = "error=access_denied&error_description=canary&state=\(state)&iss=https://wrong.example"
        let page = try await page(login, error)
        #expect(page.status == 400 && !page.text.contains("canary"), "\(page.text)")
        // The right server still can.
        try await stage.change(["issuer_parameter": "on"])
        #expect(try await Person.visit(login.url) == 0)
        #expect(try await login.ended.value.issuer == stage.server.issuer)
        #expect(await login.refused.count == 1, "each reason is told once")
    }
}

@Test func missing_iss_is_refused_when_advertised() async throws {
    try await Stage.oidc { stage in
        // The metadata, which is read first, promises it.
        let login = try await stage.beginLogin()
        try await stage.change(["issuer_parameter": "off"])
        #expect(try await Http.get(Person.redirected(login.url)).status == 400)
        try await isToldOfARefusal(login)
        #expect(try await stage.asked("authorization_code").isEmpty)
        try await stage.change(["issuer_parameter": "on"])
        #expect(try await Person.visit(login.url) == 0)
        #expect(try await login.ended.value.status == .connected)
    }

    // A server that does not promise it is taken at its word.
    try await Stage.oidc { stage in
        try await stage.change(["issuer_parameter": "off"])
        #expect(try await stage.login().status == .connected)
    }
}

@Test func wrong_id_token_is_refused() async throws {
    func areRefused(_ wrong: [Value], _ stage: Stage) async throws {
        for idToken in wrong {
            try await stage.atRedemption(["type": "mutate", "id_token": idToken])
            let error = try await fails(.providerRejected) { try await stage.login() }
            #expect(error.message.contains("id_token"), "\(idToken)")
            #expect(try stage.records().isEmpty, "\(idToken): nothing is kept")
        }
        #expect(try await stage.login().status == .connected)
    }
    try await Stage.oidc { stage in
        let wrong: [Value] = [
            ["set": ["nonce": "another login's"]],
            ["set": ["aud": "another client"]],
            ["set": ["iss": "https://wrong.example"]],
            ["set": ["exp": 1]],
            ["signature": "none"],
        ]
        try await areRefused(wrong, stage)
    }
    try await Stage.microsoft { stage in
        let other: Value = "11111111-2222-4333-8444-555555555555"
        let issuer: Value = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0"
        try await areRefused([["set": ["tid": other]], ["set": ["iss": issuer, "tid": other]]], stage)
    }
}

@Test func mutated_id_tokens_are_refused() async throws {
    try await Stage.microsoft { stage in
        let home = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"
        let stranger = "11111111-2222-4333-8444-555555555555"
        let other: Value = .text(stranger)
        func issuer(_ tenant: String) -> Value { .text("\(stage.server.origin)/\(tenant)/v2.0") }
        func set(_ claim: String, _ value: Value) -> Value { ["set": .object([claim: value])] }
        func without(_ claim: String) -> Value { ["remove": .list([.text(claim)])] }
        let unsigned: [Value] = [["signature": "none"], ["signature": "empty"]]
        // One member each, of an id_token that is good but for it.
        let mutated: [Value] = [
            set("iss", .text("https://evil.example/\(home)/v2.0")),
            set("iss", issuer(stranger)),
            set("iss", issuer("{tenantid}")),
            set("iss", issuer("common")),
            set("iss", .text("\(stage.server.origin)/\(home)/v2.0/")),
            set("iss", .text("https://sts.windows.net/\(home)/")),
            set("tid", other),
            set("tid", "common"),
            set("tid", .text("\(home)/../\(stranger)")),
            set("tid", ""),
            set("aud", other),
            set("aud", [.text(clientID), other]),
            set("aud", []),
            set("azp", other),
            set("nonce", "another login's"),
            set("exp", 1),
            set("exp", "tomorrow"),
            set("iat", 32_503_680_000),
            set("sub", ""),
        ]
        for idToken in mutated + ["iss", "tid", "aud", "nonce", "exp", "sub"].map(without) + unsigned {
            try await stage.atRedemption(["type": "mutate", "id_token": idToken])
            let error = try await fails(.providerRejected) { try await stage.login() }
            #expect(error.message.contains("id_token"), "\(idToken): \(error)")
            #expect(try stage.records().isEmpty, "\(idToken): nothing is kept")
        }

        // A refresh is relied on for being about the same account of the same client: the rest was the login's.
        try await stage.login()
        let token = try await stage.token()
        let reliedOn = ["iss", "tid", "aud", "sub"].flatMap { [set($0, other), without($0)] } + unsigned
        for idToken in reliedOn {
            try await stage.atRefresh(["type": "mutate", "id_token": idToken])
            let error = try await fails(.providerRejected) { try await stage.token(forceRefresh: true) }
            #expect(error.message.contains("id_token"), "\(idToken): \(error)")
            #expect(try await stage.token() == token, "\(idToken): what is at hand is served")
        }
        #expect(try await stage.refreshes().count == reliedOn.count)
        #expect(try await stage.token(forceRefresh: true) != token)
    }
}

@Test func lost_code_redemption_is_sent_once() async throws {
    try await Stage.acme { stage in
        try await stage.atRedemption(["type": "drop_after"])
        let error = try await fails(.network) { try await stage.login() }
        #expect(error.help.contains("again"))
        let sent = try await stage.asked("authorization_code").count
        #expect(sent == 1, "a code that may have been used is worth nothing")
        #expect(try stage.records().isEmpty)
        #expect(try await stage.login().status == .connected)
    }
}

@Test func insecure_issuer_is_refused_without_the_switch() async throws {
    try await Stage.oidc { stage in
        try stage.reopen { $0.insecureLoopback = false }
        let error = try await fails(.configInvalid) { try await stage.login() }
        #expect(error.help.contains("TOKENKEEP_INSECURE_LOOPBACK"))
        #expect(try await stage.entries().isEmpty, "not even the metadata was asked for")
        // The switch is for this machine, and for no other.
        try stage.reopen()
        for issuer in ["http://login.example", "http://localhost.example", "ftp://127.0.0.1"] {
            try await fails(.configInvalid) { try await stage.login { $0.issuer = issuer } }
        }
        try await stage.loginExpired()
        // What was allowed for the login is not allowed for a refresh.
        try stage.reopen { $0.insecureLoopback = false }
        try await fails(.configInvalid) { try await stage.token() }
        #expect(try await stage.refreshes().isEmpty)
        try stage.reopen()
        #expect(try await stage.resource(stage.accessToken()) == 200)
    }
}
