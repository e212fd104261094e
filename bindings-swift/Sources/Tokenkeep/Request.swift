// What a call of the native half is given. What is nil was left out.
//
// May not enter: a type that a program sees. These hold secrets, and become text.

import Foundation

/// What a broker is opened with.
struct Opening: Encodable {
    let home: String?
    let keySource: KeySource?
    let passphrase: String?
    let lockWait: TimeInterval?
    let insecureLoopback: Bool?

    init(_ options: BrokerOptions) {
        home = options.home?.path
        keySource = options.keySource
        passphrase = options.passphrase
        lockWait = options.lockWait
        insecureLoopback = options.insecureLoopback
    }
}

/// The arguments of a call; each verb has its own.
struct Request: Encodable {
    var provider = ""
    var connection: String?
    var scopes: [String]?
    var minLifetime: TimeInterval?
    var forceRefresh: Bool?
    var replaces: String?
    var claims: String?
    var allowExtended: Bool?
    var refused: String?
    var wwwAuthenticate: [String] = []
    var flow: Flow?
    var addScopes: [String]?
    var prompt: String?
    var loginHint: String?
    var domainHint: String?
    var clientCapabilities: [String]?
    var tenant: String?
    var cloud: String?
    var issuer: String?
    var resource: String?
    var values: [String: String] = [:]
    var clientMetadataURL: String?
    var dpop: Bool?
    var method = ""
    var url = ""
    var accessToken: String?
    var nonce: String?
    var clientID: String?
    var clientSecret: String?
    var certificate: String?
    var credentialFile: String?
    var credentialKeychain: String?
    var credentialExpires: String?
    var redirectURI: String?
    var paste: Bool?
    var timeout: TimeInterval?
    var file = ""
    var text = ""
    var state = ""
    var callbackURL = ""

    init(
        _ provider: String = "", _ connection: String? = nil, _ resource: String? = nil,
        _ more: (inout Request) -> Void = { _ in }
    ) {
        self.provider = provider
        self.connection = connection
        self.resource = resource
        more(&self)
    }

    init(_ provider: String, _ options: LoginOptions) {
        self.init(provider, options.connection, options.resource) {
            $0.scopes = options.scopes
            $0.addScopes = options.addScopes
            $0.prompt = options.prompt
            $0.loginHint = options.loginHint
            $0.domainHint = options.domainHint
            $0.claims = options.claims
            $0.clientCapabilities = options.clientCapabilities
            $0.tenant = options.tenant
            $0.cloud = options.cloud
            $0.issuer = options.issuer
            $0.wwwAuthenticate = options.wwwAuthenticate ?? []
            $0.values = options.values ?? [:]
            $0.clientMetadataURL = options.clientMetadataURL
            $0.dpop = options.dpop
            $0.clientID = options.clientID
            $0.clientSecret = options.clientSecret
            $0.certificate = options.certificate
            $0.credentialFile = options.credentialFile?.path
            $0.credentialKeychain = options.credentialKeychain
            $0.credentialExpires = options.credentialExpires
            $0.redirectURI = options.redirectURI
            $0.flow = options.flow
            $0.paste = options.paste
            $0.timeout = options.timeout
        }
    }
}
