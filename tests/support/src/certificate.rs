//! A client's key and the certificate that it is known by, as whoever registers an app makes them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes `key.pem` (PKCS #8, RSA) and `certificate.pem` in the folder, with openssl.
#[track_caller]
pub fn client_certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=client"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl is there: scripts/setup-tests.sh says how");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (folder.join("key.pem"), folder.join("certificate.pem"))
}
