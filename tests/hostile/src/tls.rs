//! The certificates that an endpoint shows.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokenkeep_test_support::run;

/// A server that shows the chain in `certificates` and has the key in `key`, both PEM.
#[track_caller]
pub fn server_config(key: &Path, certificates: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificates).and_then(Iterator::collect);
    let chain: Vec<CertificateDer<'static>> = chain.expect("the certificates can be read");
    let key = PrivateKeyDer::from_pem_file(key).expect("the key can be read");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    Arc::new(config.expect("key and certificate belong together"))
}

/// A server that vouches for itself, by the right name; as the CA of itself, or as a leaf without one.
#[track_caller]
pub fn self_signed(as_a_ca: bool) -> Arc<ServerConfig> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "30"]);
    openssl.args(["-addext", if as_a_ca { "basicConstraints=CA:TRUE" } else { "basicConstraints=CA:FALSE" }]);
    run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate), "").ok();
    server_config(&key, &certificate)
}

/// The first answer of a server that speaks nothing newer than TLS 1.1 (RFC 4346 7.4.1.3), whatever was offered.
pub fn hello_of_tls_1_1() -> Vec<u8> {
    let version = [3, 2];
    // A random value, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let hello = [&version[..], &[7; 32], &[0], &[0x00, 0x2f], &[0]].concat();
    let length = |length: usize, bytes: usize| length.to_be_bytes()[8 - bytes..].to_vec();
    let handshake = [vec![2], length(hello.len(), 3), hello].concat();
    [vec![22], version.to_vec(), length(handshake.len(), 2), handshake].concat()
}
