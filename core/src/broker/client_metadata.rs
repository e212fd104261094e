//! `client_metadata_document`: what to publish to be a client by its URL (draft-ietf-oauth-client-id-metadata-document).

use super::Broker;
use crate::error::Result;
use crate::protocol::ClientMetadataUrl;

impl Broker {
    /// The JSON document to publish at `url`, which is then the client id ([`LoginOptions::client_metadata_url`](super::LoginOptions)).
    ///
    /// # Errors
    /// `config_invalid` for a URL that cannot be a client id: it is https, with a path, without query, fragment and user.
    pub fn client_metadata_document(&self, url: &str) -> Result<String> {
        ClientMetadataUrl::parse(url)?.document()
    }
}
