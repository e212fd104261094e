//! Client id metadata documents on an https origin of the test's own (`oidc-provider/documents.mjs`).

use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokenkeep_test_support::{Server, tool};

use crate::{Certificates, Leaf, file, text};

/// A folder of documents, and its origin.
pub struct Documents {
    folder: TempDir,
    server: Server,
}

impl Documents {
    /// Serves a folder that is empty yet.
    #[track_caller]
    pub fn serve(certificates: &Certificates) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (key, certificate) = certificates.leaf(Leaf::Good);
        let mut command = Command::new(tool("TOKENKEEP_TEST_NODE"));
        command.arg(file("oidc-provider/documents.mjs")).arg(folder.path()).stderr(Stdio::null());
        command.args(["--tls-key", text(&key), "--tls-cert", text(&certificate)]);
        Documents { folder, server: Server::start(&mut command) }
    }

    /// The address of the document `name`, which need not be there.
    pub fn url(&self, name: &str) -> String {
        let origin = self.server.ready["origin"].as_str().expect("the server names its origin");
        format!("{origin}/{name}")
    }

    /// Puts a document there.
    pub fn publish(&self, name: &str, document: &str) {
        std::fs::write(self.folder.path().join(name), document).expect("the document can be written");
    }
}
