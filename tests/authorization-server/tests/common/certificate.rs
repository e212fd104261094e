//! A client's key, and the assertions that it signs.

use std::path::{Path, PathBuf};

use authorization_server::ClientCertificate;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenkeep_test_support::client_certificate;

/// A key with its certificate, in files that go with it.
pub struct ClientKey {
    folder: TempDir,
    pair: RsaKeyPair,
    certificate: CertificateDer<'static>,
    pub certificate_file: PathBuf,
}

impl ClientKey {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, certificate_file) = client_certificate(folder.path());
        let key = PrivatePkcs8KeyDer::from_pem_file(&key).unwrap();
        let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
        let certificate = CertificateDer::from_pem_file(&certificate_file).unwrap();
        Self { folder, pair, certificate, certificate_file }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// As the server knows it.
    pub fn certificate(&self) -> ClientCertificate {
        ClientCertificate::from_pem_file(&self.certificate_file).unwrap()
    }

    /// The header of an assertion with PS256.
    pub fn header(&self) -> Value {
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.certificate));
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint})
    }

    /// The header of an assertion with RS256, as clients wrote it until lately.
    pub fn old_header(&self) -> Value {
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate));
        json!({"alg": "RS256", "typ": "JWT", "x5t": thumbprint})
    }

    /// Signs with what the header says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(header), encode(claims));
        let padding: &dyn RsaEncoding =
            if header["alg"] == "RS256" { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(padding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
