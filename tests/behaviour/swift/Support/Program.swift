// A program with an interaction of its own.

import Foundation
import Testing
import Tokenkeep

/// A program that notes what it is told, and does with the URL what the test says.
public actor Program {
    /// What it was told, in the order of it.
    public private(set) var told: [String] = []

    public init() {}

    private func note(_ what: String) { told.append(what) }

    /// What it gives to a login.
    public nonisolated func interaction(_ withURL: @escaping @Sendable (URL) async throws -> Void) -> Interaction {
        Interaction(
            flowChosen: { flow, reason in
                #expect(!reason.isEmpty)
                await self.note("flow \(flow.rawValue)")
            },
            openURL: { url in
                await self.note("open")
                try await withURL(url)
            },
            showDeviceAuthorization: { device in
                await self.note("device \(device.userCode.count) of 9, \(Int(device.expiresIn)) s")
                try await withURL(address(try #require(device.verificationURIComplete)))
            },
            responseRefused: { reason in
                #expect(!reason.isEmpty)
                await self.note("refused")
            })
    }
}
