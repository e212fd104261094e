//! What a person allowed a client, or a client may by itself: the thing that codes, tokens and devices all point to.

/// What a person allowed a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) scope: Vec<String>,
    /// The resources it is for (RFC 8707); without any it is for none in particular.
    pub(crate) resources: Vec<String>,
    /// The Entra authority it was made at, or the customer's label, as the path said it.
    pub(crate) tenant: String,
    /// The tenant id of the account's home, in the Entra dialect.
    pub(crate) home: String,
    pub(crate) nonce: Option<String>,
    /// The key that its code must be redeemed with, by thumbprint (RFC 9449, section 10).
    pub(crate) code_key: Option<String>,
    /// The key that its refresh tokens are bound to, by thumbprint (RFC 9449, section 5).
    pub(crate) key: Option<String>,
    /// The `claims` of the authorization request (OpenID Connect Core, section 5.5).
    pub(crate) claims: Option<String>,
    /// The client asked for itself (RFC 6749, section 4.4): there is no person, and `username` is the client's id.
    pub(crate) application: bool,
    pub(crate) revoked: bool,
}
