// Words that stand for scopes, and what is odd about a list of scopes.

import Support
import Testing
import Tokenkeep

private let graph = "https://graph.microsoft.com"
private let outlook = "https://outlook.office.com"

/// What Microsoft's permissions reference has for each, and for the last of Outlook its page on IMAP, POP and SMTP.
private let documented: [(name: String, scopes: [String])] = [
    ("calendar", ["\(graph)/Calendars.ReadWrite"]),
    ("calendar-read", ["\(graph)/Calendars.Read"]),
    ("contacts", ["\(graph)/Contacts.ReadWrite"]),
    ("contacts-read", ["\(graph)/Contacts.Read"]),
    ("files", ["\(graph)/Files.ReadWrite"]),
    ("files-read", ["\(graph)/Files.Read"]),
    ("mail-full", ["\(graph)/Mail.ReadWrite", "\(graph)/Mail.Send", "\(graph)/MailboxSettings.ReadWrite"]),
    ("mail-read", ["\(graph)/Mail.Read"]),
    ("mail-send", ["\(graph)/Mail.Send"]),
    ("notes", ["\(graph)/Notes.ReadWrite"]),
    ("notes-read", ["\(graph)/Notes.Read"]),
    ("outlook-imap", ["\(outlook)/IMAP.AccessAsUser.All"]),
    ("outlook-pop", ["\(outlook)/POP.AccessAsUser.All"]),
    ("outlook-smtp", ["\(outlook)/SMTP.Send"]),
    ("people", ["\(graph)/People.Read"]),
    ("sharepoint", ["\(graph)/Sites.ReadWrite.All"]),
    ("sharepoint-read", ["\(graph)/Sites.Read.All"]),
    ("tasks", ["\(graph)/Tasks.ReadWrite"]),
    ("tasks-read", ["\(graph)/Tasks.Read"]),
    (
        "teams",
        [
            "\(graph)/Team.ReadBasic.All", "\(graph)/Channel.ReadBasic.All", "\(graph)/ChannelMessage.Send",
            "\(graph)/Chat.ReadWrite",
        ]
    ),
    ("teams-read", ["\(graph)/Team.ReadBasic.All", "\(graph)/Channel.ReadBasic.All", "\(graph)/Chat.Read"]),
    ("user-read", ["\(graph)/User.Read"]),
]

@Test func presets_are_the_documented_scopes() async throws {
    try await Stage.microsoft { stage in
        let broker = try stage.broker()
        let presets = try await broker.provider("microsoft").presets
        #expect(presets.map(\.name) == documented.map(\.name))
        #expect(presets.map(\.scopes) == documented.map(\.scopes))
        for (name, scopes) in documented {
            let check = try await broker.checkScopes("microsoft", [name, "offline_access"])
            #expect(check.scopes == scopes + ["offline_access"], "\(name)")
        }

        // A login asks for what they stand for, beside scopes by name.
        let connection = try await stage.login { $0.scopes = ["mail-full", "User.Read"] }
        let scopes = [
            "\(graph)/Mail.ReadWrite", "\(graph)/Mail.Send", "\(graph)/MailboxSettings.ReadWrite", "User.Read",
            "openid", "profile", "offline_access",
        ]
        #expect(try await stage.lastAsked()["parameters"]["scope"].string == scopes.joined(separator: " "))
        #expect(connection.requestedScopes == scopes)
        // A scope is no preset, whatever it looks like.
        let alike = ["profile", "Mail-Read"]
        #expect(try await broker.checkScopes("microsoft", alike).scopes == alike)
        // A token is asked for by the same words; one that was granted is at hand.
        #expect(try await stage.accessToken(scopes: ["mail-send"]) == stage.accessToken())
        #expect(try await stage.refreshes().isEmpty)
    }
}

@Test func lint_of_a_list_of_scopes() async throws {
    try await Stage.microsoft { stage in
        let broker = try stage.broker()
        func check(_ list: String) async throws -> ScopeCheck {
            try await broker.checkScopes("microsoft", list.split(separator: " ").map(String.init))
        }
        let clean = try await check("mail-read Files.Read.All offline_access")
        #expect(clean.findings.isEmpty && clean.resources == [graph], "\(clean)")
        let alone = try await check("mail-read").findings
        #expect(alone.map(\.kind) == [.offlineAccessMissing] && alone.first?.scopes == ["offline_access"], "\(alone)")
        let lists: [(list: String, kind: ScopeCheck.Finding.Kind, scopes: [String])] = [
            ("Mail.Read mail.readwrite", .covered, ["Mail.Read", "mail.readwrite"]),
            (
                "\(graph)/Files.ReadWrite.All files-read", .covered,
                ["\(graph)/Files.ReadWrite.All", "\(graph)/Files.Read"]
            ),
            (
                "User.Read 00000003-0000-0000-c000-000000000000/user.read", .covered,
                ["User.Read", "00000003-0000-0000-c000-000000000000/user.read"]
            ),
            ("Mail.Read outlook-imap", .severalResources, ["Mail.Read", "\(outlook)/IMAP.AccessAsUser.All"]),
            (
                "User.Read Directory.Read.All channelmessage.read.all", .adminConsentNeeded,
                ["Directory.Read.All", "channelmessage.read.all"]
            ),
            ("Mail.Read .default", .defaultBesideOthers, ["Mail.Read", ".default"]),
            ("Mail.Send mail-raed", .unknownPreset, ["mail-raed"]),
        ]
        for (list, kind, scopes) in lists {
            let findings = try await check("\(list) offline_access").findings
            #expect(findings.map(\.kind) == [kind], "\(list): \(findings)")
            #expect(findings.first?.scopes == scopes, "\(list)")
        }
        // What looks alike and is not: another resource's permission, two parts of one, a permission of another name.
        let fine = [
            "\(outlook)/Mail.Read \(outlook)/Mail.ReadWrite", "Mail.Read Mail.Send",
            "\(outlook)/SMTP.Send outlook-imap", "00000003-0000-0000-c000-000000000000/Mail.Send Mail.Read",
            "https://vault.azure.net/Directory.Read.All", ".default",
        ]
        for list in fine { #expect(try await check("\(list) offline_access").findings.isEmpty, "\(list)") }

        // Each is a sentence, with what to do about it.
        let odd = try await check("mail-read Mail.ReadWrite Directory.Read.All").findings
        for finding in odd { #expect(!finding.message.isEmpty && !finding.help.isEmpty, "\(finding)") }
        #expect(odd.contains { $0.message.contains("Mail.ReadWrite includes \(graph)/Mail.Read") }, "\(odd)")
        let consent = "tokenkeep admin-consent microsoft --scopes \"Directory.Read.All\""
        #expect(odd.contains { $0.help.contains(consent) }, "\(odd)")
        try await fails(.unknownProvider) { try await broker.checkScopes("nobody", ["read"]) }

        // What Entra would refuse after the person has been asked is refused before, whatever the others are for.
        for list in [["User.Read", ".default"], ["\(graph)/.default", "\(outlook)/SMTP.Send"]] {
            let error = try await fails(.configInvalid) { try await stage.login { $0.scopes = list } }
            #expect(error.message.contains(".default stands for all"), "\(error)")
        }
        #expect(try await stage.entries().isEmpty)
    }

    // A provider whose file says nothing of its scopes has nothing odd about them.
    try await Stage.acme { stage in
        let list = ["read", "write", "https://a.example/.default"]
        let check = try await stage.broker().checkScopes("acme", list)
        #expect(check.findings.map(\.kind) == [.offlineAccessMissing] && check.resources.isEmpty, "\(check)")
    }
}
