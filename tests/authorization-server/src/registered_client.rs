//! The clients a server knows, and how each proves who it is: a secret, a certificate, a key, or nothing.

use std::io;
use std::path::Path;
use std::str::FromStr;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::jws::PublicKey;

/// A client that may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredClient {
    /// The client id.
    pub id: String,
    /// The secret of a confidential client.
    pub secret: Option<String>,
    /// The certificate of the key that signs a confidential client's assertions (RFC 7523, section 2.2).
    pub certificate: Option<ClientCertificate>,
    /// The key of a confidential client that has no certificate.
    pub key: Option<PublicKey>,
    /// The methods by which it may authenticate at the token endpoint.
    pub methods: Vec<AuthenticationMethod>,
    /// When its secret expires, in seconds since 1970.
    pub secret_expires_at: Option<u64>,
    /// The redirect URIs that it registered; `None`: those on loopback that the server gives everybody.
    pub redirect_uris: Option<Vec<String>>,
    /// It runs on its person's machine, at any port of a loopback redirect URI (RFC 8252, section 7.3).
    pub native: bool,
    /// Its tokens are bound to a key always (RFC 9449, section 5.2).
    pub dpop_bound: bool,
    /// The grant types that it registered for; `None`: all.
    pub grant_types: Option<Vec<String>>,
}

/// `token_endpoint_auth_method`, by its registered names (RFC 7591, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// A public client: only its id.
    None,
    /// The secret in the body.
    ClientSecretPost,
    /// The secret in the `Authorization` header.
    ClientSecretBasic,
    /// An assertion, signed with the client's key.
    PrivateKeyJwt,
}

/// A client's certificate. Only its key and its thumbprints count: who issued it, and until when, is nobody's concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate(CertificateDer<'static>);

impl ClientCertificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds no certificate.
    pub fn from_pem_file(file: &Path) -> io::Result<Self> {
        let certificate = CertificateDer::from_pem_file(file).map_err(io::Error::other)?;
        webpki::EndEntityCert::try_from(&certificate).map_err(io::Error::other)?;
        Ok(Self(certificate))
    }

    /// `x5t#S256` (RFC 7515, section 4.1.8), before it is encoded.
    pub(crate) fn sha256(&self) -> Vec<u8> {
        digest(&SHA256, &self.0).as_ref().to_vec()
    }

    /// `x5t` (section 4.1.7), before it is encoded.
    pub(crate) fn sha1(&self) -> Vec<u8> {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.0).as_ref().to_vec()
    }

    /// Its public key.
    pub(crate) fn key(&self) -> Option<PublicKey> {
        let certificate = webpki::EndEntityCert::try_from(&self.0).ok()?;
        PublicKey::from_info(&certificate.subject_public_key_info())
    }
}

impl RegisteredClient {
    /// A secret with every character that a careless encoding breaks.
    const AWKWARD_SECRET: &'static str = "s3cret:with%special+chars &=";

    /// A public client.
    #[must_use]
    pub fn public(id: &str) -> Self {
        let methods = vec![AuthenticationMethod::None];
        Self {
            id: id.into(),
            secret: None,
            certificate: None,
            key: None,
            methods,
            secret_expires_at: None,
            redirect_uris: None,
            native: false,
            dpop_bound: false,
            grant_types: None,
        }
    }

    /// A confidential client that may authenticate by `methods`.
    #[must_use]
    pub fn confidential(id: &str, secret: &str, methods: &[AuthenticationMethod]) -> Self {
        Self { secret: Some(secret.into()), methods: methods.to_vec(), ..Self::public(id) }
    }

    /// The same client, which may also authenticate by assertions of this certificate's key.
    #[must_use]
    pub fn with_certificate(self, certificate: ClientCertificate) -> Self {
        Self { certificate: Some(certificate), ..self.with_assertions() }
    }

    /// The same client, which may also authenticate by assertions of this key.
    #[must_use]
    pub fn with_key(self, key: PublicKey) -> Self {
        Self { key: Some(key), ..self.with_assertions() }
    }

    fn with_assertions(mut self) -> Self {
        self.methods.retain(|method| *method != AuthenticationMethod::None);
        self.methods.push(AuthenticationMethod::PrivateKeyJwt);
        self
    }

    /// Did it register for this grant type?
    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.as_ref().is_none_or(|known| known.iter().any(|known| known == grant_type))
    }

    /// Can it prove who it is?
    pub(crate) fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.certificate.is_some() || self.key.is_some()
    }

    /// The clients of a plain server that was given none: `public`, `confidential-post`, `confidential-basic`.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        vec![
            Self::public("public"),
            Self::confidential("confidential-post", Self::AWKWARD_SECRET, &[ClientSecretPost]),
            Self::confidential("confidential-basic", Self::AWKWARD_SECRET, &[ClientSecretBasic]),
        ]
    }
}

impl FromStr for RegisteredClient {
    type Err = String;

    /// `ID` is a public client, `ID:SECRET` a confidential one that may use either secret method.
    fn from_str(text: &str) -> Result<Self, String> {
        use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        match text.split_once(':') {
            _ if text.is_empty() || text.starts_with(':') => Err("a client needs an id".into()),
            None => Ok(Self::public(text)),
            Some((id, secret)) => Ok(Self::confidential(id, secret, &[ClientSecretPost, ClientSecretBasic])),
        }
    }
}
