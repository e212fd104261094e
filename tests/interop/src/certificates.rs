//! The certificates of one test (`make-certificates.sh`).

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tokenkeep_test_support::run;

use crate::file;

/// A CA that nobody else trusts, and the leaves that it signed.
pub struct Certificates(TempDir);

/// Which certificate a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// For localhost, 127.0.0.1 and ::1, and in time.
    Good,
    /// For the same names, years ago.
    Expired,
    /// For another name.
    WrongHost,
}

impl Certificates {
    /// Makes them. The CA's key is gone when this returns.
    #[track_caller]
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        run(Command::new(file("make-certificates.sh")).arg(folder.path()), "").ok();
        Certificates(folder)
    }

    /// The CA's certificate: a client that is shown it trusts the leaves.
    pub fn ca(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// A leaf's key and its chain.
    pub fn leaf(&self, leaf: Leaf) -> (PathBuf, PathBuf) {
        let prefix = match leaf {
            Leaf::Good => "",
            Leaf::Expired => "expired-",
            Leaf::WrongHost => "wrong-host-",
        };
        let path = |name: &str| self.0.path().join(format!("{prefix}{name}.pem"));
        (path("key"), path("cert"))
    }
}
