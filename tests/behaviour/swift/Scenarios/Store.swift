// The store: damage, keys, and places that are no place for it.

import Foundation
import Support
import Testing
import Tokenkeep

@Test func damaged_record_is_reported_and_others_go_on() async throws {
    try await Stage.acme { stage in
        try await stage.login { $0.connection = "good" }
        let good = try stage.records()
        try await stage.login { $0.connection = "bad" }
        let foreign = try #require(good.values.first)
        let (name, sealed) = try #require(try stage.records().first { good[$0.key] == nil })
        let record = stage.home.store.appendingPathComponent("records/\(name)")

        var flipped = sealed
        flipped[flipped.count - 1] ^= 1
        for damage in [sealed.prefix(sealed.count / 2), Data(), flipped, foreign] {
            try damage.write(to: record)
            let broker = try stage.broker()
            let calls: [() async throws -> Any?] = [
                { try await broker.token("acme", connection: "bad") },
                { try await broker.connection("acme", connection: "bad") },
                { try broker.cachedToken("acme", connection: "bad") },
            ]
            for call in calls {
                let error = try await fails(.storeCorrupt, call)
                #expect(error.message.contains(record.path), "\(error)")
            }
            #expect(try Data(contentsOf: record) == damage, "reading alters nothing")
            _ = try await stage.accessToken(connection: "good", forceRefresh: true)
        }
        let broker = try stage.broker()
        let found = try await broker.connections()
        #expect(found.connections.map(\.connection) == ["good"])
        #expect(found.damaged.count == 1)
        let error = try #require(found.damaged.first)
        try isSound(error, .storeCorrupt)
        #expect(error.message.contains(record.path), "\(error)")
        #expect(try await broker.inspect().keptAside == [])

        // A login replaces the connection; what was damaged is kept aside as it is.
        let last = try Data(contentsOf: record)
        try await stage.login { $0.connection = "bad" }
        let aside = try await broker.inspect().keptAside
        #expect(aside.count == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: try #require(aside.first))) == last)
        #expect(try await stage.resource(try await stage.accessToken(connection: "bad")) == 200)
        let listed = try await broker.connections()
        #expect(listed.connections.count == 2 && listed.damaged.isEmpty, "\(listed)")

        // So does a logout.
        try Data("damaged again".utf8).write(to: record)
        try await stage.logout("bad")
        #expect(try await broker.inspect().keptAside.count == 2)
        try await fails(.notConnected) { try await stage.token(connection: "bad") }
    }
}

@Test func headless_without_a_key_choice() async throws {
    // A keychain that answers would get an item of the test's.
    let bus = ProcessInfo.processInfo.environment["DBUS_SESSION_BUS_ADDRESS"]
    try #require(bus == "unix:path=/nonexistent/bus", "the tests must run where no keychain answers")
    try await Stage.acme { stage in
        try stage.reopen { $0.keySource = nil }
        let undecided = try stage.broker { $0.keySource = nil }
        let before = try files(of: stage)
        let begun = ContinuousClock.now
        let calls: [() async throws -> Any?] = [{ try await stage.login() }, { try await undecided.initialize() }]
        for call in calls {
            let help = try await fails(.storeLocked, call).help
            for choice in ["`tokenkeep init --key file`", "`tokenkeep init --key passphrase`", "TOKENKEEP_KEY"] {
                #expect(help.contains(choice), "\(help)")
            }
        }
        #expect(ContinuousClock.now - begun < .seconds(10))
        let found = try await undecided.inspect()
        #expect(found.key == .noVault && found.id == nil, "\(found)")
        try isSound(try #require(found.keychainError), .storeLocked)
        #expect(try await stage.entries().isEmpty, "nobody logs in for nothing")
        #expect(try files(of: stage) == before, "nothing is made until somebody chose")

        // What the hint says, as a program says it.
        let made = try await stage.broker { $0.keySource = .file }.initialize()
        #expect(made.keySource == .file && made.key == .found, "\(made)")
        try await stage.login()
        #expect(try await stage.resource(try await stage.accessToken()) == 200)
    }
}

@Test func passphrase_store() async throws {
    try await Stage.acme { stage in
        let passphrase = "correct horse; \"battery\" staple"
        func with(_ passphrase: String?) throws -> Broker {
            try stage.broker {
                $0.keySource = .passphrase
                $0.passphrase = passphrase
            }
        }
        try await fails(.storeLocked) { try await login(stage, with(nil)) }
        let right = try with(passphrase)
        try await login(stage, right)
        let secret = try await right.token("acme").secret
        #expect(try await stage.resource(secret) == 200)
        var dumped = "\(right) \(String(reflecting: right))"
        dump(right, to: &dumped)
        #expect(!dumped.contains("correct"))
        for (path, content) in try files(of: stage) {
            #expect(content.range(of: Data("correct".utf8)) == nil, "\(path)")
        }

        let before = try stage.records()
        let begun = ContinuousClock.now
        let wrong = try await fails(.storeLocked) { try await with("another one").token("acme") }
        #expect(ContinuousClock.now - begun >= .milliseconds(100), "a guess has its price")
        #expect(wrong.message.contains("wrong"), "\(wrong)")
        let none = try await fails(.storeLocked) { try await with(nil).token("acme") }
        #expect(none.help.contains("TOKENKEEP_PASSPHRASE"), "\(none)")
        // The choice was made once: another one is not fallen back to.
        try await fails(.configInvalid) {
            try await stage.broker {
                $0.keySource = .file
                $0.passphrase = passphrase
            }.token("acme")
        }
        #expect(try stage.records() == before)

        // What the help names is read.
        let environment = ["TOKENKEEP_KEY": nil, "TOKENKEEP_PASSPHRASE": passphrase]
        let elsewhere = try await Elsewhere(stage, environment: environment)
        #expect(try await elsewhere.accessToken("acme") == secret)
    }
}

@Test func read_only_or_odd_home() async throws {
    try await Stage.acme { stage in
        // Places where nobody, not even root, can make a folder; and none at all.
        let file = try stage.home.write("a file", "mine")
        let places: [(home: URL, token: TokenkeepError.Code)] = [
            (file, .storeUnavailable),
            (file.appendingPathComponent("below"), .storeUnavailable),
            // Nothing is there, and so no connection.
            (URL(fileURLWithPath: "/sys/kernel/tokenkeep"), .notConnected),
            (URL(fileURLWithPath: "/proc/tokenkeep"), .notConnected),
        ]
        for (home, token) in places {
            let broker = try stage.broker { $0.home = home }
            #expect(broker.home.path == home.path)
            let error = try await fails(.storeUnavailable) { try await broker.initialize() }
            #expect(error.message.contains(home.path), "\(error)")
            try await fails(token) { try await broker.token("microsoft") }
            // Nobody is asked for a grant that cannot be kept.
            let options = LoginOptions(issuer: stage.server.issuer, clientID: "public")
            let nobody = Interaction(openURL: { _ in Issue.record("the person was asked") })
            try await fails(.storeUnavailable) { try await broker.login("oidc", options, interaction: nobody) }
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
        let nowhere = try await Elsewhere(stage, environment: ["HOME": nil, "TOKENKEEP_HOME": nil])
        try await failsElsewhere(.configInvalid) { try await nowhere.accessToken("acme") }

        // An odd name is as good as any.
        let odd = stage.home.path.appendingPathComponent("it's a \"home\" & größer, 家")
        let broker = try stage.broker { $0.home = odd }
        try await broker.initialize()
        let registered = try await broker.setRegistration("microsoft", clientID: "x")
        #expect(try await stage.broker { $0.home = odd }.registration("microsoft") == registered)
        #expect(broker.home.path == odd.path)
        #expect(try odd.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true)

        // A record that is a link to somebody else's file is not followed.
        try await stage.login()
        let before = try stage.records()
        let (name, sealed) = try #require(before.first)
        let record = stage.home.store.appendingPathComponent("records/\(name)")
        let elsewhere = stage.home.path.appendingPathComponent("elsewhere")
        let disk = FileManager.default
        try disk.moveItem(at: record, to: elsewhere)
        try disk.createSymbolicLink(at: record, withDestinationURL: elsewhere)
        try await fails(.storeUnavailable) { try await stage.token() }
        #expect(try Data(contentsOf: elsewhere) == sealed)
        try disk.removeItem(at: record)
        try disk.moveItem(at: elsewhere, to: record)

        // A disk that takes not one more byte, for root as for everybody: nothing leaves that could not be written
        // down, and what is at hand is handed out.
        let limited = ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]
        let full = try await Elsewhere(stage, through: limited)
        try await failsElsewhere(.storeUnavailable) { try await full.accessToken("acme") { $0.forceRefresh = true } }
        #expect(try await stage.refreshes().isEmpty)
        #expect(try await stage.resource(try await full.accessToken("acme")) == 200)
        #expect(try stage.records() == before)
        _ = try await stage.accessToken(forceRefresh: true)
    }
}

/// All files of the stage's store, by path and content.
private func files(of stage: Stage) throws -> [String: Data] {
    let store = stage.home.store.path
    let paths = try FileManager.default.subpathsOfDirectory(atPath: store).map { "\(store)/\($0)" }
    let files = try paths.filter { path in
        try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular
    }
    let contents = try files.map { ($0, try Data(contentsOf: URL(fileURLWithPath: $0))) }
    return Dictionary(uniqueKeysWithValues: contents)
}

/// Logs in through `broker`, to the end.
@discardableResult
private func login(_ stage: Stage, _ broker: Broker) async throws -> Connection {
    try await broker.login(stage.provider, stage.loginOptions(), interaction: stage.browser())
}
