// What to ask for, what an error means, and an administrator's consent: known without a login.
//
// May not enter: a check, a default, a text. They are the core's.

import Foundation

/// What a list of scopes comes to.
public struct ScopeCheck: Sendable, Hashable, Codable {
    /// One odd thing.
    public struct Finding: Sendable, Hashable, Codable {
        /// What can be odd about a list of scopes.
        public enum Kind: String, Sendable, Codable {
            /// There would be no refresh token.
            case offlineAccessMissing = "offline_access_missing"
            /// Another one in the list includes it.
            case covered
            /// A token is for one resource.
            case severalResources = "several_resources"
            /// Only an administrator can consent to it.
            case adminConsentNeeded = "admin_consent_needed"
            /// `.default` stands beside no other scope of a resource.
            case defaultBesideOthers = "default_beside_others"
            /// It has the form of a preset, and there is none of that name.
            case unknownPreset = "unknown_preset"
        }

        /// What it is.
        public let kind: Kind
        /// The scopes that it is about.
        public let scopes: [String]
        /// What it is, in a sentence.
        public let message: String
        /// What to do about it.
        public let help: String
    }

    /// The scopes, with the provider's presets in it replaced by what they stand for.
    public let scopes: [String]
    /// The resources that they are for, at a provider whose scopes name theirs.
    public let resources: [String]
    /// What is odd. None of it stops a login that the provider would accept.
    public let findings: [Finding]
}

/// What one error code means. For people: no program branches on it.
public struct Explanation: Sendable, Hashable, Codable {
    /// As it is searched for: `AADSTS65001`.
    public let code: String
    /// Microsoft's short name of it.
    public let name: String
    /// What happened, in a sentence.
    public let meaning: String
    /// Who must act: `user`, `developer`, `administrator`, `service` or `nobody`.
    public let who: String
    /// What they must do, in a sentence.
    public let remedy: String
    /// What to type, where a command is part of it. Words in capitals are to be filled in.
    public let command: String?
}

/// A consent that is asked of an administrator.
public struct AdminConsentRequest: Sendable, Hashable, Codable {
    /// Where to send the administrator.
    public let url: URL
    /// What the answer must carry: it ties the answer to this request.
    public let state: String
    /// Where they are sent afterwards.
    public let redirectURI: String
}

/// A consent that was given.
public struct AdminConsent: Sendable, Hashable, Codable {
    /// The organization, as the answer has it. Anybody could have written it: it is no proof.
    public let tenant: String?
    /// What was consented to.
    public let scopes: [String]
}

extension Broker {
    /// What a login for `scopes` would ask for, and what is odd about it. No network.
    ///
    /// - Throws: `unknownProvider`, `configInvalid`.
    public func checkScopes(_ provider: String, _ scopes: [String]) async throws -> ScopeCheck {
        try await ask("check_scopes", Request(provider) { $0.scopes = scopes })
    }

    /// What the error codes in `text` mean, in their order: one code, or a whole error as it was pasted. When none is
    /// known, `configInvalid`, whose help says where to look.
    public func explain(_ text: String) async throws -> [Explanation] {
        try await ask("explain", Request { $0.text = text })
    }

    /// The address that an administrator consents at, for all of their organization. No network.
    ///
    /// What is left out is taken from the connection, then as in a login.
    ///
    /// - Parameters:
    ///   - tenant: The organization: a GUID, a domain, or `organizations` for that of whoever signs in.
    ///   - redirectURI: Where the administrator is sent afterwards: one of the registration's.
    /// - Throws: `unsupported` for a provider that has no such address, `configInvalid` for a tenant that is no
    ///   organization, `registrationMissing`, and those of the store.
    public func adminConsentURL(
        _ provider: String,
        connection: String? = nil,
        tenant: String? = nil,
        cloud: String? = nil,
        clientID: String? = nil,
        scopes: [String]? = nil,
        redirectURI: String? = nil
    ) async throws -> AdminConsentRequest {
        let request = Request(provider, connection) {
            $0.tenant = tenant
            $0.cloud = cloud
            $0.clientID = clientID
            $0.scopes = scopes
            $0.redirectURI = redirectURI
        }
        return try await ask("admin_consent_url", request)
    }

    /// What was consented to: reads the address that the administrator was sent back to. One that is not the answer to
    /// the request with this `state` is refused with `providerRejected`.
    ///
    /// - Throws: `accessDenied`, `adminConsentRequired` and others, as the server said.
    public func readAdminConsent(state: String, callbackURL: URL) async throws -> AdminConsent {
        let request = Request {
            $0.state = state
            $0.callbackURL = callbackURL.absoluteString
        }
        return try await ask("read_admin_consent", request)
    }
}
