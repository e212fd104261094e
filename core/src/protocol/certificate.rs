//! The certificate that a client proves itself with (RFC 7523 2.2), and its private key: read from PEM (RFC 7468), held
//! against each other, and used. The only file that reads PEM and signs.
//!
//! May not enter: a part of the key into an error.

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::der::Certificate;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// A certificate and the private key that it is for.
pub struct ClientCertificate {
    key: RsaKeyPair,
    /// The SHA-256 hash of its DER: RFC 7515 4.1.8 `x5t#S256`, not encoded yet.
    pub(super) thumbprint: [u8; 32],
    /// When it ends.
    pub ends: Timestamp,
}

impl ClientCertificate {
    /// Reads PEM with one private key and its certificate, in any order. Certificates of issuers may stand beside them.
    ///
    /// # Errors
    /// `config_invalid`: one of the two is missing or cannot be read, the key is encrypted or not RSA (of 2048 to 4096
    /// bits), or no certificate is the key's.
    pub fn read(pem: &Secret) -> Result<Self> {
        let text = pem.expose();
        let key = private_key(text)?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| not_pem())?;
        if certificates.is_empty() {
            return Err(unusable("it has a private key and no certificate"));
        }
        for der in &certificates {
            let read = Certificate::read(der).ok_or_else(|| unusable("a certificate in it is not X.509"))?;
            if read.public_key == key.public_key().as_ref() {
                let mut thumbprint = [0; 32];
                thumbprint.copy_from_slice(digest(&SHA256, der).as_ref());
                return Ok(ClientCertificate { key, thumbprint, ends: read.ends });
            }
        }
        Err(unusable("its private key is not that of its certificate"))
    }

    /// RFC 7518 3.5 `PS256`: RSASSA-PSS with SHA-256, its salt as long as the hash.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        // The salt is the signature's own affair: whatever it is, the signature is good.
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Error::new(ErrorKind::Internal, "the client assertion could not be signed"))?;
        Ok(signature)
    }
}

fn private_key(text: &str) -> Result<RsaKeyPair> {
    let found = PrivateKeyDer::pem_slice_iter(text.as_bytes()).map(|key| key.map(Zeroizing::new));
    let found: Result<Vec<_>, _> = found.collect();
    let key = match found.as_deref() {
        Ok([key]) => key,
        // `-----BEGIN ENCRYPTED PRIVATE KEY-----` (RFC 7468 11), and OpenSSL's older `Proc-Type: 4,ENCRYPTED`.
        Ok([]) | Err(_) if text.contains("ENCRYPTED") => {
            let help =
                "decrypt it: `openssl pkey -in KEY.pem -out PLAIN.pem`; the store seals what it keeps of it";
            return Err(unusable("its private key is encrypted").with_help(help));
        }
        Ok([]) => return Err(unusable("it has no private key")),
        Ok(_) => return Err(unusable("it has more than one private key")),
        Err(_) => return Err(not_pem()),
    };
    let key = match &**key {
        PrivateKeyDer::Pkcs8(pkcs8) => RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(pkcs1) => RsaKeyPair::from_der(pkcs1.secret_pkcs1_der()),
        _ => return Err(not_rsa()),
    };
    key.map_err(|rejected| match rejected.to_string().as_str() {
        "WrongAlgorithm" => not_rsa(),
        "TooSmall" | "TooLarge" => unusable("its RSA key is not of 2048 to 4096 bits"),
        _ => unusable("its private key is damaged"),
    })
}

fn not_pem() -> Error {
    unusable("it is damaged, or not PEM")
}

fn not_rsa() -> Error {
    unusable("its private key is not RSA, which PS256 signs with")
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("the certificate cannot be used: {why}"))
        .with_help("give one PEM text with the RSA certificate and its private key: `cat cert.pem key.pem`")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Files of `tests/vectors/client_certificate`, one after the other.
    pub fn pem(names: &[&str]) -> Secret {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/client_certificate");
        let read = |name: &&str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        Secret::new(names.iter().map(read).collect::<String>())
    }

    /// The DER of a certificate there.
    pub fn der(name: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(pem(&[&format!("{name}.crt")]).expose().as_bytes()).unwrap().to_vec()
    }

    #[test]
    fn a_certificate_and_its_key_in_any_order_and_company() {
        // openssl x509 -noout -enddate; date -u -d END +%s
        let (rsa, late) = (2_486_487_522, 2_918_487_523);
        for (names, ends) in [
            (&["rsa.crt", "rsa.key"][..], rsa),
            (&["rsa.key", "rsa.crt"], rsa),
            (&["rsa_pkcs1.key", "rsa.crt"], rsa),
            (&["late.crt", "ec.crt", "rsa.key", "rsa.crt"], rsa),
            (&["late.crt", "late.key"], late),
        ] {
            let read = ClientCertificate::read(&pem(names)).unwrap();
            assert_eq!(read.ends, Timestamp::from_unix(ends), "{names:?}");
            let own = if ends == rsa { der("rsa") } else { der("late") };
            assert_eq!(read.thumbprint, digest(&SHA256, &own).as_ref(), "{names:?}");
        }
        let windows = Secret::new(pem(&["rsa.crt", "rsa.key"]).expose().replace('\n', "\r\n"));
        assert!(ClientCertificate::read(&windows).is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_line() {
        for (names, why) in [
            (&["rsa.crt"][..], "it has no private key"),
            (&["rsa.key"], "it has a private key and no certificate"),
            (&["rsa.crt", "encrypted.key"], "its private key is encrypted"),
            (&["rsa.crt", "encrypted_pkcs1.key"], "its private key is encrypted"),
            (&["late.crt", "rsa.key"], "its private key is not that of its certificate"),
            (&["rsa.crt", "rsa.key", "late.key"], "it has more than one private key"),
            (&["ec.crt", "ec.key"], "its private key is not RSA, which PS256 signs with"),
            (&["ec.crt", "ec_sec1.key"], "its private key is not RSA, which PS256 signs with"),
            (&["small.crt", "small.key"], "its RSA key is not of 2048 to 4096 bits"),
        ] {
            assert_eq!(refused(&pem(names)), why, "{names:?}");
        }
        let whole = pem(&["rsa.crt", "rsa.key"]).expose().to_owned();
        let (certificate, key) = whole.split_at(whole.find("-----BEGIN PRIVATE").unwrap());
        let damaged = |text: &str| text.replacen("MII", "AAA", 1);
        assert_eq!(refused(&Secret::new(damaged(certificate) + key)), "a certificate in it is not X.509");
        assert_eq!(
            refused(&Secret::new(certificate.to_owned() + &damaged(key))),
            "its private key is damaged"
        );
        let cut = |text: &str| text.replacen("MII", "M!I", 1);
        for damaged in
            [cut(certificate) + key, certificate.to_owned() + &cut(key), key.to_owned() + &cut(certificate)]
        {
            assert_eq!(refused(&Secret::new(damaged)), "it is damaged, or not PEM");
        }
        assert_eq!(refused(&Secret::new("no PEM at all")), "it has no private key");
    }

    fn refused(pem: &Secret) -> String {
        let error = ClientCertificate::read(pem).err().unwrap();
        assert_eq!(error.code(), "config_invalid");
        assert!(error.help().contains("pem"), "{}", error.help());
        error.message().strip_prefix("the certificate cannot be used: ").unwrap().to_owned()
    }
}
