// A person logs in with a code, on another device.

import Support
import Testing
import Tokenkeep

private let deviceCode = "urn:ietf:params:oauth:grant-type:device_code"

/// A device login that has shown its address and its code.
private func begin(_ stage: Stage, tenant: String? = nil) async throws -> UnderWay {
    let login = try await stage.beginLogin {
        $0.flow = .deviceCode
        $0.tenant = tenant
    }
    #expect(try await login.device.userCode.contains(/^[A-Z]{4}-[A-Z]{4}$/))
    return login
}

/// A device login whose person, if there is one, sees the code elsewhere.
private func login(_ stage: Stage) async throws -> Connection {
    try await stage.login(interaction: Interaction(showDeviceAuthorization: { _ in })) { $0.flow = .deviceCode }
}

/// A server that wants to be asked every second.
private func everySecond(_ stage: Stage) async throws {
    try await stage.change(["device_interval": 1])
}

@Test func login_with_a_device_code() async throws {
    try await Stage.acme { stage in
        try await everySecond(stage)
        let login = try await begin(stage)
        let device = try await login.device
        #expect(device.verificationURI == "\(stage.server.origin)/device")
        #expect(try #require(device.verificationURIComplete).contains(device.userCode))
        #expect(device.message == nil && device.expiresIn == 900, "\(device)")
        #expect(try await Person.enterUserCode(device.userCode.lowercased(), at: device.verificationURI) == 0)
        let connection = try await login.ended.value
        #expect(connection.provider == "acme" && connection.status == .connected, "\(connection)")
        #expect(try await stage.resource(stage.accessToken()) == 200)
    }
}

@Test func device_login_slows_down_when_told() async throws {
    try await Stage.acme { stage in
        try await everySecond(stage)
        try await stage.change(["device_approve_after": 1])
        try await stage.fault([
            "endpoint": "token", "grant_type": .text(deviceCode), "skip": 1, "action": ["type": "slow_down"],
        ])
        _ = try await login(stage)
        // pending, slow_down, granted: RFC 8628 3.5 adds five seconds to the interval of one.
        let gaps = try await stage.journal()["poll_gaps"].list.compactMap(\.int)
        try #require(gaps.count == 2, "\(gaps)")
        #expect(gaps[0] >= 1000 && gaps[0] < 3000 && gaps[1] >= 6000, "\(gaps)")
    }
}

@Test func device_login_at_microsoft() async throws {
    try await Stage.microsoft { stage in
        try await everySecond(stage)
        let login = try await begin(stage, tenant: "organizations")
        let device = try await login.device
        let message = try #require(device.message)
        #expect(message.contains("To sign in, use a web browser to open the page"))
        #expect(message.contains(device.userCode) && message.contains(device.verificationURI), "\(message)")
        try await Person.enterUserCode(device)
        let connection = try await login.ended.value
        #expect(connection.tenant == "organizations")
        let account = connection.account
        #expect(account.username == "person@example.com")
        for known in [account.homeAccountID, account.tenantID, account.subject, account.issuer] {
            #expect(try !#require(known, "\(account)").isEmpty, "\(account)")
        }

        let asked = try #require(try await stage.entries("device").first)
        #expect(asked["path"] == "/organizations/oauth2/v2.0/devicecode")
        let scopes: Value = "https://graph.microsoft.com/User.Read openid profile offline_access"
        #expect(asked["parameters"]["scope"] == scopes)
        let polls = try await stage.asked(deviceCode)
        #expect(!polls.isEmpty)
        for entry in [asked] + polls {
            #expect(entry["origin"] == false)
            let parameters = entry["parameters"].members
            #expect(parameters["client_secret"] == nil && parameters["resource"] == nil, "\(parameters)")
        }
        for poll in polls { #expect(poll["parameters"]["client_info"] == "1") }
    }
}

@Test func device_login_denied() async throws {
    func isDenied(_ stage: Stage) async throws {
        try await everySecond(stage)
        let login = try await begin(stage)
        try await Person.enterUserCode(login.device, "--deny")
        try await fails(.accessDenied) { try await login.ended.value }
        #expect(try stage.records().isEmpty)
        #expect(try await stage.asked(deviceCode).count == 1, "a no is final")
    }
    try await Stage.acme(test: isDenied)
    try await Stage.microsoft(test: isDenied)
}

@Test func device_code_expired() async throws {
    // The server says so.
    try await Stage.microsoft { stage in
        try await everySecond(stage)
        try await stage.fault(["endpoint": "token", "action": ["type": "expired_token"]])
        try await fails(.loginTimedOut) { try await login(stage) }
        #expect(try await stage.asked(deviceCode).count == 1)
    }

    // The code's time is over before the first poll: nobody asks any more.
    try await Stage.microsoft { stage in
        try await stage.change(["device_lifetime": 1])
        let begun = ContinuousClock.now
        try await fails(.loginTimedOut) { try await login(stage) }
        let took = ContinuousClock.now - begun
        #expect(took < .seconds(4), "\(took)")
        #expect(try await stage.asked(deviceCode).isEmpty)
        #expect(try stage.records().isEmpty)
    }
}
