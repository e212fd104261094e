// What a broker answers: records without secrets.
//
// May not enter: a check, a default.

import Foundation

/// Whose grant a connection is.
public struct Account: Sendable, Hashable, Codable {
    /// OIDC `sub`: unique and lasting within the issuer.
    public let subject: String?
    /// OIDC `iss` of the id_token.
    public let issuer: String?
    /// A name for people.
    public let username: String?
    /// Microsoft's `tid`: the tenant that signed the person in.
    public let tenantID: String?
    /// Microsoft's `oid`: the person within that tenant.
    public let objectID: String?
    /// Microsoft's `uid.utid`: the account itself, whichever tenant it visits.
    public let homeAccountID: String?
    /// True when the person is a guest of that tenant: their home is another one.
    public let guest: Bool
}

/// One connection, without its secrets.
public struct Connection: Sendable, Hashable, Codable {
    /// Whether it can hand out tokens.
    public enum Status: String, Sendable, Codable {
        case connected
        case loginRequired = "login_required"
    }

    /// What it holds for one resource, without the token.
    public struct HeldToken: Sendable, Hashable, Codable {
        /// The resource, at a provider that tells resources apart.
        public let resource: String?
        /// What it grants.
        public let scopes: [String]
        /// When it ends; nil when it does not expire.
        public let expiresAt: Date?
    }

    /// The provider.
    public let provider: String
    /// The connection's name.
    public let connection: String
    /// Whether it can hand out tokens.
    public let status: Status
    /// Why a login is required; nil while the grant works.
    public let loginRequired: LoginReason?
    /// Whose it is.
    public let account: Account
    /// What was asked for.
    public let requestedScopes: [String]
    /// What was granted.
    public let grantedScopes: [String]
    /// What was asked for and not granted.
    public let missingScopes: [String]
    /// When the access token at hand ends; nil when it does not expire.
    public let expiresAt: Date?
    /// The access tokens at hand, one for each resource; the first is that of a call that names no scopes.
    public let accessTokens: [HeldToken]
    /// True for app-only access: the grant is the client's own, and nobody logs in.
    public let application: Bool
    /// When the client secret or certificate that the client proves itself with ends, where that is known.
    public let credentialExpiresAt: Date?
    /// What the client said that it can do (Microsoft).
    public let clientCapabilities: [String]
    /// True when the access token can be replaced without the person.
    public let hasRefreshToken: Bool
    /// The client that it was made with.
    public let clientID: String
    /// The issuer, when it is known.
    public let issuer: String?
    /// The protected resource that it is for (RFC 8707).
    public let resource: String?
    /// What differs from customer to customer, as it was said at the login or learnt from the server.
    public let values: [String: String]
    /// The hosts of the provider's API.
    public let apiHosts: [String]
    /// True when its tokens are bound to a key (RFC 9449).
    public let dpop: Bool
    /// Microsoft's tenant, as it was asked for.
    public let tenant: String?
    /// When the person logged in.
    public let loggedInAt: Date
    /// When it was last refreshed.
    public let refreshedAt: Date?
}

/// All connections of a store.
public struct Connections: Sendable, Decodable {
    /// Those that can be read, sorted by name.
    public let connections: [Connection]
    /// One error for each file that cannot. They are kept.
    public let damaged: [TokenkeepError]
}

/// What has become of a connection.
public struct ConnectionChange: Sendable, Hashable, Codable {
    /// How it has changed.
    public enum Kind: String, Sendable, Codable {
        case appeared, changed, disappeared
    }

    /// How it has changed.
    public let kind: Kind
    /// The connection as it is now; as it last was, when it disappeared.
    public let connection: Connection
}

/// A provider that can be logged in to.
public struct Provider: Sendable, Hashable, Codable {
    /// Where a definition is from.
    public enum Origin: String, Sendable, Codable {
        case bundled, user
    }

    /// Where something is sent.
    public struct Endpoint: Sendable, Hashable, Codable {
        /// What it is for.
        public let name: String
        /// Its address, as the definition has it.
        public let url: String
    }

    /// A name for what people want. A list of scopes may hold it, in place of what it stands for.
    public struct Preset: Sendable, Hashable, Codable {
        /// The name.
        public let name: String
        /// The scopes that it stands for.
        public let scopes: [String]
    }

    /// A value that differs from customer to customer: `{NAME}` stands for it in an endpoint or a host.
    public struct Value: Sendable, Hashable, Codable {
        /// Its name, in ``LoginOptions/values`` and in ``Connection/values``.
        public let name: String
        /// What it is.
        public let description: String
        /// What it is when nobody says.
        public let `default`: String?
        /// True when it is learnt from the server, and nobody is asked for it.
        public let learnt: Bool
    }

    /// How well public documentation bears out a definition.
    public enum Confidence: String, Sendable, Codable {
        case high, medium, low
    }

    /// The name that people type.
    public let name: String
    /// The name that people read.
    public let displayName: String
    /// The environment variable that programs expect the access token in.
    public let accessTokenVariable: String
    /// Where codes, tokens and client secrets go.
    public let endpoints: [Endpoint]
    /// The hosts of its API; `{NAME}` stands for a value.
    public let apiHosts: [String]
    /// What differs from customer to customer.
    public let values: [Value]
    /// How well public documentation bears out the definition.
    public let confidence: Confidence
    /// Where the provider's own documentation is.
    public let documentation: String?
    /// The names that its scopes go by.
    public let presets: [Preset]
    /// True when the endpoints come from the metadata of the issuer that is named at login.
    public let discovery: Bool
    /// Where its definition is from.
    public let origin: Origin
    /// The user's own file.
    public let file: String?
    /// Its definition, as the file has it.
    public let definition: String
}

/// All providers.
public struct Providers: Sendable, Decodable {
    /// Those whose definition can be read, sorted by name.
    public let providers: [Provider]
    /// One error for each that cannot.
    public let damaged: [TokenkeepError]
}

/// A stored client registration, without its secret.
public struct Registration: Sendable, Hashable, Codable {
    /// Whose client.
    public let provider: String
    /// The issuer that it is for, at a provider whose servers are discovered.
    public let issuer: String?
    /// The client.
    public let clientID: String
    /// True when the server made it because it was asked to (RFC 7591).
    public let dynamic: Bool
    /// True when a client secret is stored with it.
    public let hasClientSecret: Bool
    /// When it was stored.
    public let storedAt: Date
}

/// What the removal of a stored client registration did.
public struct RegistrationRemoval: Sendable, Hashable, Codable {
    /// What became of the client at the server. One that the user registered is not managed from here.
    public enum Deletion: String, Sendable, Codable {
        case deleted
        case notManaged = "not_managed"
        case failed
    }

    /// The provider.
    public let provider: String
    /// The issuer that it was for, at a provider whose servers are discovered.
    public let issuer: String?
    /// What became of the client at the server.
    public let deletion: Deletion
    /// Why it failed.
    public let detail: String?
}

/// What a logout did.
public struct LogoutOutcome: Sendable, Hashable, Codable {
    /// What became of the grant at the server. After `failed` it may still be good there.
    public enum Revocation: String, Sendable, Codable {
        case revoked
        case alreadyEnded = "already_ended"
        case notSupported = "not_supported"
        case failed
    }

    /// The provider.
    public let provider: String
    /// The connection's name.
    public let connection: String
    /// What became of the grant at the server.
    public let revocation: Revocation
    /// What a person can do, or why it failed.
    public let detail: String?
}

/// What was found at a store's home.
public struct VaultState: Sendable, Decodable {
    /// Whether the key can be had: there is no vault yet; it was found; it is a passphrase, for which nobody was asked.
    public enum Key: String, Sendable, Codable {
        case noVault = "no_vault"
        case found, asked, missing
    }

    /// A folder or a file, and how open it is.
    public struct File: Sendable, Hashable, Codable {
        /// Where it is.
        public let path: String
        /// Its mode, where files have one.
        public let mode: UInt32?
        /// True when others than its owner can read it.
        public let openToOthers: Bool
    }

    /// The folder.
    public let home: String
    /// The folders and files that exist.
    public let files: [File]
    /// The vault's id, which names its keychain item.
    public let id: String?
    /// Where its key is.
    public let keySource: KeySource?
    /// Whether the key can be had.
    public let key: Key
    /// Why the key is missing.
    public let keyError: TokenkeepError?
    /// How many connections there are, readable or not.
    public let connections: Int
    /// How many client registrations there are.
    public let registrations: Int
    /// Damaged files that were kept aside.
    public let keptAside: [String]
    /// Why there is no keychain; nil when it answers.
    public let keychainError: TokenkeepError?
}
