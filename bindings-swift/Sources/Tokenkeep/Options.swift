// What can be asked for. Whatever is left out is decided by the core: by the environment, by the earlier login, by the
// provider's definition.
//
// May not enter: a default.

import Foundation

/// How a person is logged in.
public enum Flow: String, Sendable, Codable {
    case pkce
    case deviceCode = "device_code"
    /// Nobody is: the grant is the client's own (RFC 6749 4.4).
    case clientCredentials = "client_credentials"
}

/// Where the store keeps its key.
public enum KeySource: String, Sendable, Codable {
    case keychain, passphrase, file
}

/// What a broker is opened with.
public struct BrokerOptions: Sendable {
    /// The store's folder; else `TOKENKEEP_HOME`, else the platform's data directory.
    public var home: URL?
    /// Where the store keeps its key; else `TOKENKEEP_KEY`, else what the store was made with.
    public var keySource: KeySource?
    /// The passphrase of a store that wants one; else `TOKENKEEP_PASSPHRASE`.
    public var passphrase: String?
    /// Seconds to wait for a connection that another process holds; else `TOKENKEEP_LOCK_WAIT`.
    public var lockWait: TimeInterval?
    /// Allows plain http to this machine, for tests; else `TOKENKEEP_INSECURE_LOOPBACK`.
    public var insecureLoopback: Bool?

    public init(
        home: URL? = nil,
        keySource: KeySource? = nil,
        passphrase: String? = nil,
        lockWait: TimeInterval? = nil,
        insecureLoopback: Bool? = nil
    ) {
        self.home = home
        self.keySource = keySource
        self.passphrase = passphrase
        self.lockWait = lockWait
        self.insecureLoopback = insecureLoopback
    }
}

/// What is wanted of a login.
public struct LoginOptions: Sendable {
    /// The connection's name, which tells two accounts of one provider apart.
    public var connection: String?
    /// What to ask for. The provider's presets stand for their scopes.
    public var scopes: [String]?
    /// In place of `scopes`: what to ask for beside what the connection was asked for before.
    public var addScopes: [String]?
    /// `login`, `consent`, `select_account` or `none` (OIDC Core 3.1.2.1), in place of the provider's own.
    public var prompt: String?
    /// Whom the login page offers first.
    public var loginHint: String?
    /// Microsoft: the domain of the organization that signs the person in, which spares them a page.
    public var domainHint: String?
    /// The JSON of a claims challenge; the one that the connection's last refresh met when left out.
    public var claims: String?
    /// Microsoft: what this client can do. `cp1` says that it answers claims challenges.
    public var clientCapabilities: [String]?
    /// Microsoft: who signs the person in.
    public var tenant: String?
    /// Microsoft: which cloud.
    public var cloud: String?
    /// The issuer to discover, for `oidc`.
    public var issuer: String?
    /// The address of a protected resource, an MCP server's for one: it names the connection where `connection` does not,
    /// and for the provider `mcp` its metadata say all the rest (RFC 8707, RFC 9728).
    public var resource: String?
    /// What the resource answered a request with: the values of its `WWW-Authenticate` headers.
    public var wwwAuthenticate: [String]?
    /// What differs from customer to customer at this provider, by name: the subdomain, for one.
    public var values: [String: String]?
    /// A client id metadata document that you have published: its address is the client id where the server takes one.
    public var clientMetadataURL: String?
    /// True to bind the tokens to a key (RFC 9449); as the provider or the resource wants it when left out.
    public var dpop: Bool?
    /// The client to log in with.
    public var clientID: String?
    /// Its secret, if it has one.
    public var clientSecret: String?
    /// A private key in PEM, with its certificate or alone, by which the client proves itself instead (RFC 7523 2.2).
    public var certificate: String?
    /// A file that holds the secret, or the key and its certificate if it has one.
    public var credentialFile: URL?
    /// An item of the system's keychain that holds them, as `SERVICE/ACCOUNT`.
    public var credentialKeychain: String?
    /// The day that the secret ends: `2027-01-31`. A certificate says so itself.
    public var credentialExpires: String?
    /// Where the answer is received. ``Broker/beginLogin(_:_:)`` needs it; a login on this machine chooses one.
    public var redirectURI: String?
    /// The flow; chosen by what this machine has when left out.
    public var flow: Flow?
    /// True when the person's browser is elsewhere and its last address will be pasted.
    public var paste: Bool?
    /// Seconds that the person gets.
    public var timeout: TimeInterval?

    public init(
        connection: String? = nil,
        scopes: [String]? = nil,
        addScopes: [String]? = nil,
        prompt: String? = nil,
        loginHint: String? = nil,
        domainHint: String? = nil,
        claims: String? = nil,
        clientCapabilities: [String]? = nil,
        tenant: String? = nil,
        cloud: String? = nil,
        issuer: String? = nil,
        resource: String? = nil,
        wwwAuthenticate: [String]? = nil,
        values: [String: String]? = nil,
        clientMetadataURL: String? = nil,
        dpop: Bool? = nil,
        clientID: String? = nil,
        clientSecret: String? = nil,
        certificate: String? = nil,
        credentialFile: URL? = nil,
        credentialKeychain: String? = nil,
        credentialExpires: String? = nil,
        redirectURI: String? = nil,
        flow: Flow? = nil,
        paste: Bool? = nil,
        timeout: TimeInterval? = nil
    ) {
        self.connection = connection
        self.scopes = scopes
        self.addScopes = addScopes
        self.prompt = prompt
        self.loginHint = loginHint
        self.domainHint = domainHint
        self.claims = claims
        self.clientCapabilities = clientCapabilities
        self.tenant = tenant
        self.cloud = cloud
        self.issuer = issuer
        self.resource = resource
        self.wwwAuthenticate = wwwAuthenticate
        self.values = values
        self.clientMetadataURL = clientMetadataURL
        self.dpop = dpop
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.certificate = certificate
        self.credentialFile = credentialFile
        self.credentialKeychain = credentialKeychain
        self.credentialExpires = credentialExpires
        self.redirectURI = redirectURI
        self.flow = flow
        self.paste = paste
        self.timeout = timeout
    }
}

// Whatever prints options shows which they are, and no secret.

extension BrokerOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "BrokerOptions(\(shown(customMirror)))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "home": home as Any, "keySource": keySource as Any, "passphrase": redacted(passphrase) as Any,
                "lockWait": lockWait as Any, "insecureLoopback": insecureLoopback as Any,
            ])
    }
}

extension LoginOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "LoginOptions(\(shown(customMirror)))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "connection": connection as Any, "scopes": scopes as Any, "addScopes": addScopes as Any,
                "prompt": prompt as Any, "loginHint": loginHint as Any, "domainHint": domainHint as Any,
                "claims": claims as Any, "clientCapabilities": clientCapabilities as Any, "tenant": tenant as Any,
                "cloud": cloud as Any, "issuer": issuer as Any, "resource": resource as Any,
                "wwwAuthenticate": wwwAuthenticate as Any, "values": values as Any,
                "clientMetadataURL": clientMetadataURL as Any, "dpop": dpop as Any, "clientID": clientID as Any,
                "clientSecret": redacted(clientSecret) as Any, "certificate": redacted(certificate) as Any,
                "credentialFile": credentialFile as Any, "credentialKeychain": credentialKeychain as Any,
                "credentialExpires": credentialExpires as Any, "redirectURI": redirectURI as Any, "flow": flow as Any,
                "paste": paste as Any, "timeout": timeout as Any,
            ])
    }
}

private func redacted(_ secret: String?) -> String? { secret.map { _ in "redacted" } }

/// Those that were given.
private func shown(_ mirror: Mirror) -> String {
    let given = mirror.children.compactMap { name, value -> String? in
        let unwrapped = Mirror(reflecting: value)
        guard unwrapped.displayStyle == .optional else { return "\(name ?? ""): \(value)" }
        return unwrapped.children.first.map { "\(name ?? ""): \($0.value)" }
    }
    return given.joined(separator: ", ")
}
