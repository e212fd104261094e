//! What a client proves itself with (RFC 7523 2.2): a private key, with its certificate or alone. Read from PEM (RFC 7468),
//! held against each other, and used. The only file that reads PEM.
//!
//! May not enter: a part of the key into an error.

use ring::digest::{SHA256, digest};
use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::der::{Certificate, EcPrivateKey};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// RFC 7518 3.1: what an assertion is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PSS with SHA-256, its salt as long as the hash.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl SigningAlgorithm {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlgorithm::Es256 => "ES256",
            SigningAlgorithm::Ps256 => "PS256",
            SigningAlgorithm::Rs256 => "RS256",
        }
    }
}

/// A private key, and the certificate that it is for, if there is one.
pub struct ClientKey {
    pair: Pair,
    pub(super) certificate: Option<Registered>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

/// What is known of the key's certificate.
pub(super) struct Registered {
    /// The SHA-256 hash of its DER: RFC 7515 4.1.8 `x5t#S256`, not encoded yet.
    pub(super) thumbprint: [u8; 32],
    ends: Timestamp,
}

impl ClientKey {
    /// Reads PEM with one private key, and with its certificate if it has one, in any order. Certificates of issuers may
    /// stand beside them.
    ///
    /// # Errors
    /// `config_invalid`: there is no key or it cannot be read, it is encrypted, it is neither RSA (of 2048 to 4096 bits)
    /// nor, alone, on P-256, or no certificate is the key's.
    pub fn read(pem: &Secret) -> Result<Self> {
        let text = pem.expose();
        let pair = private_key(text)?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| not_pem())?;
        if certificates.is_empty() {
            return Ok(ClientKey { pair, certificate: None });
        }
        let Pair::Rsa(key) = &pair else {
            return Err(unusable("its certificate is not for RSA, which PS256 signs with"));
        };
        for der in &certificates {
            let read = Certificate::read(der).ok_or_else(|| unusable("a certificate in it is not X.509"))?;
            if read.public_key == key.public_key().as_ref() {
                let mut thumbprint = [0; 32];
                thumbprint.copy_from_slice(digest(&SHA256, der).as_ref());
                let certificate = Some(Registered { thumbprint, ends: read.ends });
                return Ok(ClientKey { pair, certificate });
            }
        }
        Err(unusable("its private key is not that of its certificate"))
    }

    /// When its certificate ends. A key alone does not.
    pub fn ends(&self) -> Option<Timestamp> {
        self.certificate.as_ref().map(|certificate| certificate.ends)
    }

    /// What the server has this key sign with: with a certificate PS256, as Entra wants it; alone what `accepted` allows
    /// (RFC 8414 2 `token_endpoint_auth_signing_alg_values_supported`), and of RSA's two RS256 where both will do.
    pub fn algorithm(&self, accepted: Option<&[String]>) -> SigningAlgorithm {
        let lists = |name| accepted.is_some_and(|accepted| accepted.iter().any(|listed| listed == name));
        match (&self.pair, &self.certificate) {
            (Pair::P256(_), _) => SigningAlgorithm::Es256,
            (Pair::Rsa(_), Some(_)) => SigningAlgorithm::Ps256,
            (Pair::Rsa(_), None) if lists("PS256") && !lists("RS256") => SigningAlgorithm::Ps256,
            (Pair::Rsa(_), None) => SigningAlgorithm::Rs256,
        }
    }

    /// The signature by an algorithm of this key. What is drawn for it is its own affair: whatever that is, it is good.
    pub(super) fn sign(&self, algorithm: SigningAlgorithm, message: &[u8]) -> Result<Vec<u8>> {
        let unsigned = |_| Error::new(ErrorKind::Internal, "the client assertion could not be signed");
        let random = SystemRandom::new();
        match &self.pair {
            Pair::P256(key) => Ok(key.sign(&random, message).map_err(unsigned)?.as_ref().to_vec()),
            Pair::Rsa(key) => {
                let padding: &dyn RsaEncoding =
                    if algorithm == SigningAlgorithm::Rs256 { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, message, &mut signature).map_err(unsigned)?;
                Ok(signature)
            }
        }
    }
}

fn private_key(text: &str) -> Result<Pair> {
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
    let (random, p256) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let pair = match &**key {
        PrivateKeyDer::Pkcs8(pkcs8) => match RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der()) {
            Err(rejected) if is_of_another_algorithm(&rejected) => {
                let pair = EcdsaKeyPair::from_pkcs8(p256, pkcs8.secret_pkcs8_der(), &random);
                return pair.map(Pair::P256).map_err(|rejected| match rejected {
                    rejected if is_of_another_algorithm(&rejected) => of_neither(),
                    _ => half_a_key(),
                });
            }
            rsa => rsa.map(Pair::Rsa),
        },
        PrivateKeyDer::Pkcs1(pkcs1) => RsaKeyPair::from_der(pkcs1.secret_pkcs1_der()).map(Pair::Rsa),
        PrivateKeyDer::Sec1(sec1) => {
            let read = EcPrivateKey::read(sec1.secret_sec1_der()).ok_or_else(damaged)?;
            if !read.is_p256 {
                return Err(of_neither());
            }
            let public = read.public_key.ok_or_else(half_a_key)?;
            EcdsaKeyPair::from_private_key_and_public_key(p256, read.private_key, public, &random)
                .map(Pair::P256)
        }
        _ => return Err(of_neither()),
    };
    pair.map_err(|rejected| match rejected.to_string().as_str() {
        "TooSmall" | "TooLarge" => unusable("its RSA key is not of 2048 to 4096 bits"),
        _ => damaged(),
    })
}

fn is_of_another_algorithm(rejected: &KeyRejected) -> bool {
    rejected.to_string() == "WrongAlgorithm"
}

fn not_pem() -> Error {
    unusable("it is damaged, or not PEM")
}

fn damaged() -> Error {
    unusable("its private key is damaged")
}

/// RFC 5915 3 lets a key on a curve come without the public one, and nothing here could work that out.
fn half_a_key() -> Error {
    unusable("its private key is damaged, or lacks the public one")
}

fn of_neither() -> Error {
    unusable("its private key is neither RSA nor on P-256")
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("the certificate or private key cannot be used: {why}")).with_help(
        "give one PEM text: a private key, RSA or on P-256, or an RSA certificate and its key: `cat cert.pem key.pem`",
    )
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
            let read = ClientKey::read(&pem(names)).unwrap();
            assert_eq!(read.ends(), Some(Timestamp::from_unix(ends)), "{names:?}");
            let own = if ends == rsa { der("rsa") } else { der("late") };
            let thumbprint = read.certificate.as_ref().unwrap().thumbprint;
            assert_eq!(thumbprint, digest(&SHA256, &own).as_ref(), "{names:?}");
            assert_eq!(read.algorithm(Some(&["RS256".to_owned()])), SigningAlgorithm::Ps256);
        }
        let windows = Secret::new(pem(&["rsa.crt", "rsa.key"]).expose().replace('\n', "\r\n"));
        assert!(ClientKey::read(&windows).is_ok());
    }

    #[test]
    fn a_key_alone_signs_with_what_it_is_for_and_the_server_takes() {
        use SigningAlgorithm::{Es256, Ps256, Rs256};
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (name, accepted, algorithm) in [
            ("rsa.key", None, Rs256),
            ("rsa_pkcs1.key", Some(list(&["PS256", "RS256"])), Rs256),
            ("rsa.key", Some(list(&["ES256"])), Rs256),
            ("rsa.key", Some(list(&["ES256", "PS256"])), Ps256),
            ("ec.key", None, Es256),
            ("ec_sec1.key", Some(list(&["RS256"])), Es256),
        ] {
            let read = ClientKey::read(&pem(&[name])).unwrap();
            assert_eq!(read.algorithm(accepted.as_deref()), algorithm, "{name}");
            assert!(read.ends().is_none() && read.certificate.is_none(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_line() {
        for (names, why) in [
            (&["rsa.crt"][..], "it has no private key"),
            (&["rsa.crt", "encrypted.key"], "its private key is encrypted"),
            (&["rsa.crt", "encrypted_pkcs1.key"], "its private key is encrypted"),
            (&["late.crt", "rsa.key"], "its private key is not that of its certificate"),
            (&["rsa.crt", "rsa.key", "late.key"], "it has more than one private key"),
            (&["ec.crt", "ec.key"], "its certificate is not for RSA, which PS256 signs with"),
            (&["ec.crt", "ec_sec1.key"], "its certificate is not for RSA, which PS256 signs with"),
            (&["small.crt", "small.key"], "its RSA key is not of 2048 to 4096 bits"),
            (&["small.key"], "its RSA key is not of 2048 to 4096 bits"),
            (&["p384.key"], "its private key is neither RSA nor on P-256"),
            (&["p384_sec1.key"], "its private key is neither RSA nor on P-256"),
            (&["ed25519.key"], "its private key is neither RSA nor on P-256"),
            (&["ec_without_public.key"], "its private key is damaged, or lacks the public one"),
            (&["ec_sec1_without_public.key"], "its private key is damaged, or lacks the public one"),
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
        let error = ClientKey::read(pem).err().unwrap();
        assert_eq!(error.code(), "config_invalid");
        assert!(error.help().contains("pem"), "{}", error.help());
        error.message().strip_prefix("the certificate or private key cannot be used: ").unwrap().to_owned()
    }
}
