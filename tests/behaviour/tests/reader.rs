//! The reader of a document: somebody with a home, an app registration, a browser, the packages as they are published,
//! and no internet but a scripted server that has the names of Microsoft's hosts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use authorization_server::{
    AuthenticationMethod, AuthorizationServer, ClientCertificate, Consent, Dpop, Endpoint, RegisteredClient,
    Running, ServerOptions,
};
use tokenkeep_behaviour::{CLIENT_ID, Stage, person};
use tokenkeep_test_support::{program, root, run, tool, write_program};

/// curl, as far as the documentation goes: GET and headers. An answer that is not 200 fails here.
const CURL: &str = r#"#!/bin/sh
exec "$PYTHON" - "$@" <<'END'
import sys, urllib.request
request = urllib.request.Request(sys.argv.pop())
while sys.argv[1:]:
    option, header = sys.argv[1], sys.argv[2]
    assert option == "-H", f"curl: the documentation's stand-in does not know {option}"
    request.add_header(*header.split(": ", 1))
    del sys.argv[1:3]
print(urllib.request.urlopen(request).read().decode())
END
"#;

const CARGO: &str = r#"#!/bin/sh
[ "$*" = "install --path cli" ] || { echo "cargo: not what the documentation says: $*" >&2; exit 2; }
"#;

/// The wheel, without the network.
const PIP: &str = r#"#!/bin/sh
[ "$*" = "install tokenkeep" ] || { echo "pip: not what the documentation says: $*" >&2; exit 2; }
exec "$PYTHON" -m pip --quiet install --no-index --no-deps --find-links "$PACKAGES" --target "$PYTHONPATH" tokenkeep
"#;

/// The tarballs, without the network: the package, and its half for this machine.
const NPM: &str = r#"#!/bin/sh
[ "$*" = "install tokenkeep" ] || { echo "npm: not what the documentation says: $*" >&2; exit 2; }
exec "${NODE%/*}/npm" --silent install --offline --no-save "$PACKAGES"/*.tgz
"#;

/// The key and the certificate that the document's own command has made, before there was a server to register them with.
const OPENSSL: &str = "#!/bin/sh\nexec cp \"$PAIR\"/* .\n";

/// An app that has a secret and a certificate, and what the secret is.
const APPLICATION: (&str, &str) = ("0b9f8e7d-6c5b-4a39-8271-605f4e3d2c1b", "s3cret~of.the-app");

/// Somebody who does what one document says, in its order.
pub struct Reader {
    stage: Stage,
    /// The server of the reader's own, behind `$ISSUER`, with the MCP server `$MCP_SERVER`.
    other: Running,
    /// The folder of the reader's project.
    place: PathBuf,
    /// A key and its certificate.
    pair: tempfile::TempDir,
    /// What programs made of the document are called, for who looks for the line that fails.
    name: String,
}

impl Reader {
    /// Of this document, in a home of their own, with this provider file at hand, and what this command for openssl
    /// makes.
    pub fn new(document: &Path, acme: &str, openssl: Option<&str>) -> Self {
        let pair = tempfile::tempdir().unwrap();
        let stage = Stage::internet_of(registrations(openssl, pair.path()));
        stage.change(|live| (live.device_interval, live.device_approve_after) = (1, Some(0)));
        stage.change(|live| live.consent = Consent::Enforced);
        let clients = vec![RegisteredClient::public(CLIENT_ID)];
        let mut options = ServerOptions { clients, ..ServerOptions::plain() };
        // An MCP server: whoever comes registers there and then.
        options.live.registration.enabled = true;
        options.live.dpop.mode = Dpop::On;
        let other = AuthorizationServer::start(options).unwrap();

        let home = stage.home.path();
        let (programs, place) = (home.join("bin"), home.join("place"));
        fs::create_dir(&programs).unwrap();
        fs::create_dir(&place).unwrap();
        for (name, script) in
            [("curl", CURL), ("cargo", CARGO), ("pip", PIP), ("npm", NPM), ("openssl", OPENSSL)]
        {
            write_program(&programs.join(name), script);
        }
        symlink(program("tokenkeep"), programs.join("tokenkeep")).unwrap();
        // What a project of the reader's has besides: the clients that adapters are for.
        symlink(root().join("tests/node_modules"), home.join("node_modules")).unwrap();
        fs::write(place.join("package.json"), r#"{"private": true, "type": "module"}"#).unwrap();
        fs::write(place.join("acme.toml"), acme).unwrap();
        fs::write(place.join("secret.txt"), format!("{}\n", APPLICATION.1)).unwrap();
        Reader { stage, other, place, pair, name: document.display().to_string().replace('/', "-") }
    }

    /// Runs a script of the shell.
    #[track_caller]
    pub fn sh(&self, script: &str) {
        let mut command = self.command(Path::new("bash"));
        self.run(command.args(["-euo", "pipefail", "-c", script]));
    }

    /// Runs a program in Python.
    #[track_caller]
    pub fn python(&self, text: &str) {
        let reader = root().join("tests/behaviour/python/reader.py");
        let mut command = self.command(&tool("TOKENKEEP_TEST_PYTHON"));
        self.run(command.arg(reader).arg(self.file("py", text)));
    }

    /// Runs a module in JavaScript.
    #[track_caller]
    pub fn js(&self, text: &str) {
        let reader = root().join("tests/behaviour/node/reader.mjs");
        let mut command = self.command(&tool("TOKENKEEP_TEST_NODE"));
        self.run(command.arg("--import").arg(reader).arg(self.file("mjs", text)));
    }

    /// Builds a program in Swift with this manifest, against the package as it is published, and runs it.
    #[track_caller]
    pub fn swift(&self, manifest: &str, text: &str) {
        let published = r#"url: "https://github.com/tokenkeep/tokenkeep-swift", from: "0.1.0""#;
        assert!(manifest.contains(published), "{manifest}");
        let package = root().join("target/packages/tokenkeep-swift");
        let sources = self.place.join("Sources/hello");
        fs::create_dir_all(&sources).unwrap();
        let manifest = manifest.replace(published, &format!("path: {package:?}"));
        fs::write(self.place.join("Package.swift"), manifest).unwrap();
        fs::write(sources.join("main.swift"), text).unwrap();
        fs::copy(root().join("tests/behaviour/swift/Reader/Reader.swift"), sources.join("Reader.swift"))
            .unwrap();
        let mut command = self.command(&root().join("scripts/swift.sh"));
        command.args(["swift", "run", "--quiet", "-Xswiftc", "-warnings-as-errors", "--scratch-path"]);
        command.arg(root().join("target/swift/documents").join(&self.name)).arg("hello");
        self.run(&mut command);
    }

    /// True when Graph was asked for something. Nobody was refused anything meanwhile.
    #[track_caller]
    pub fn asked_graph(&self) -> bool {
        let entries = self.stage.server.journal().entries();
        let refused = entries.iter().find(|entry| entry.outcome.status.is_some_and(|status| status >= 400));
        let waiting = |error: Option<&str>| error == Some("authorization_pending");
        assert!(refused.is_none_or(|entry| waiting(entry.outcome.error.as_deref())), "{refused:?}");
        entries.iter().any(|entry| entry.endpoint == Endpoint::Resource)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = self.stage.home.program(program);
        let path = std::env::var("PATH").unwrap();
        let home = self.stage.home.path();
        command.current_dir(&self.place).env("PATH", format!("{}:{path}", home.join("bin").display()));
        command.env("TOKENKEEP_INSECURE_LOOPBACK", "1").env("BROWSER", person::browser());
        // A reader has given their client id to the store, or to the environment.
        command.env("MICROSOFT_OAUTH_CLIENT_ID", CLIENT_ID).env("CLIENT_ID", CLIENT_ID);
        command.env("APP_CLIENT_ID", APPLICATION.0).env("PAIR", self.pair.path());
        command.env("ISSUER", self.other.issuer());
        command.env("MCP_SERVER", format!("{}/mcp", self.other.origin()));
        command.env("PACKAGES", root().join("target/packages"));
        command.env("PYTHON", tool("TOKENKEEP_TEST_PYTHON")).env("NODE", tool("TOKENKEEP_TEST_NODE"));
        // Where `pip install` puts the package: before all that is there already.
        command.env("PYTHONPATH", home.join("site"));
        command
    }

    fn file(&self, extension: &str, text: &str) -> PathBuf {
        let path = self.place.join(format!("{}.{extension}", self.name));
        fs::write(&path, text).unwrap();
        path
    }

    #[track_caller]
    fn run(&self, command: &mut Command) {
        let done = run(command, "");
        assert_eq!(done.code, 0, "the last line or block that is named fails: {done:#?}");
    }
}

/// The reader's app registrations: one for people, and one for the program itself, whose certificate the command makes
/// in `folder`.
fn registrations(openssl: Option<&str>, folder: &Path) -> Vec<RegisteredClient> {
    let people = RegisteredClient::public(CLIENT_ID);
    let Some(openssl) = openssl else { return vec![people] };
    let made = run(Command::new("bash").args(["-euc", openssl]).current_dir(folder), "");
    assert_eq!(made.code, 0, "{made:#?}");
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let certificate = files.find(|path| path.extension().is_some_and(|extension| extension == "crt"));
    let certificate = ClientCertificate::from_pem_file(&certificate.unwrap()).unwrap();
    let (id, secret) = APPLICATION;
    let application = RegisteredClient::confidential(id, secret, &[AuthenticationMethod::ClientSecretPost]);
    vec![people, application.with_certificate(certificate)]
}
