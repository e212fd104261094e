//! A certificate authority for one run and a leaf for loopback. The keys never leave the process; `ca.pem` is what
//! clients are told to trust.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// Makes authority and leaf, writes `ca.pem` into the directory, gives the acceptor and the file's path. `names` are
/// the leaf's beside those of loopback.
///
/// The certificates have rcgen's default validity, 1975 to 4096: clients are also tested with a wrong clock, and
/// then it must be their tokens that look strange, not the connection.
pub(crate) fn acceptor(directory: &Path, names: &[String]) -> io::Result<(TlsAcceptor, PathBuf)> {
    let authority = authority().map_err(io::Error::other)?;
    fs::create_dir_all(directory)?;
    let path = directory.join("ca.pem");
    fs::write(&path, authority.pem())?;

    let (certificate, key) = leaf(&authority, names).map_err(io::Error::other)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
        })
        .map_err(io::Error::other)?;
    Ok((TlsAcceptor::from(Arc::new(config)), path))
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = params("Tokenkeep test authority", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn leaf(
    authority: &CertifiedIssuer<'static, KeyPair>,
    names: &[String],
) -> Result<(rcgen::Certificate, KeyPair), rcgen::Error> {
    let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = params("localhost", [&loopback, names].concat())?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers (Python 3.13) want to see who signed.
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, authority)?, key))
}

fn params(common_name: &str, hosts: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}
