//! Clients whose id is the address of a document about them (draft-ietf-oauth-client-id-metadata-document, sections 3 and
//! 4). The documents lie here: a test publishes them, since a server that fetched from loopback would be a bad example.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use url::Url;

use crate::features::RegistrationOptions;
use crate::refusal::Refusal;
use crate::registered_client::{AuthenticationMethod, RegisteredClient};
use crate::registration;

/// What stands at which address.
#[derive(Debug, Default)]
pub(crate) struct ClientDocuments(HashMap<String, Map<String, Value>>);

impl ClientDocuments {
    pub(crate) fn publish(&mut self, url: String, document: Map<String, Value>) {
        self.0.insert(url, document);
    }

    /// The client that the document at this address describes.
    pub(crate) fn client(&self, client_id: &str) -> Result<RegisteredClient, Refusal> {
        let document =
            self.0.get(client_id).filter(|_| is_address(client_id)).ok_or(Refusal::UnknownClient)?;
        let mut metadata = document.clone();
        // "MUST match the document URL using simple string comparison", and nothing in it is a secret.
        let own = metadata.remove("client_id") == Some(json!(client_id));
        if !own || ["client_secret", "client_secret_expires_at"].iter().any(|it| metadata.contains_key(*it)) {
            return Err(Refusal::ClientDocumentInvalid);
        }
        metadata.entry("token_endpoint_auth_method").or_insert(json!("none"));
        let accepted = registration::accepted(metadata, &RegistrationOptions::default());
        let client = accepted.and_then(|metadata| registration::client(client_id, &metadata, String::new));
        let client = client.map_err(|_| Refusal::ClientDocumentInvalid)?;
        let [AuthenticationMethod::None | AuthenticationMethod::PrivateKeyJwt] = client.methods[..] else {
            return Err(Refusal::ClientDocumentInvalid);
        };
        Ok(client)
    }
}

/// Https, with a path, and nothing that could be written in two ways.
fn is_address(client_id: &str) -> bool {
    Url::parse(client_id).is_ok_and(|url| {
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        // A dot segment, or a default port, is gone once it is parsed.
        url.scheme() == "https" && url.path() != "/" && plain && url.as_str() == client_id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str, document: Value) -> Result<RegisteredClient, Refusal> {
        let Value::Object(document) = document else { unreachable!("a document is an object") };
        let mut documents = ClientDocuments::default();
        documents.publish(url.into(), document);
        documents.client(url)
    }

    #[test]
    fn a_document_says_whose_it_is() {
        let (url, uris) = ("https://app.example/client.json", json!(["http://127.0.0.1/callback"]));
        let good = json!({"client_id": url, "redirect_uris": uris, "application_type": "native"});
        let client = found(url, good).unwrap();
        assert_eq!((client.id.as_str(), client.native, client.is_confidential()), (url, true, false));
        for document in [
            json!({"redirect_uris": uris}),
            json!({"client_id": "https://app.example/other", "redirect_uris": uris}),
            json!({"client_id": url}),
            json!({"client_id": url, "redirect_uris": uris, "client_secret": "s"}),
            json!({"client_id": url, "redirect_uris": uris, "token_endpoint_auth_method": "client_secret_post"}),
        ] {
            assert_eq!(found(url, document.clone()), Err(Refusal::ClientDocumentInvalid), "{document}");
        }
    }

    #[test]
    fn not_every_address_is_an_id() {
        for url in [
            "http://app.example/client.json",
            "https://app.example/",
            "https://app.example",
            "https://app.example/a/../client.json",
            "https://me@app.example/client.json",
            "https://app.example/client.json#x",
            "https://app.example:443/client.json",
        ] {
            let document = json!({"client_id": url, "redirect_uris": ["http://127.0.0.1/callback"]});
            assert_eq!(found(url, document), Err(Refusal::UnknownClient), "{url}");
        }
    }
}
