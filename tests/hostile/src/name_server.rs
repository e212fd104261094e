//! A name server of one's own, for one command: in a mount namespace of its own the command finds it in
//! `/etc/resolv.conf`, and nobody else's names change. Nothing is asked of the network.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokenkeep_behaviour::person;
use tokenkeep_interop::{Certificates, Leaf, text};
use tokenkeep_test_support::{Home, Run, run};

use crate::scene::Scene;
use crate::tls::server_config;

/// What it says to every question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// 127.0.0.1.
    Here,
    /// A response code and nothing else (RFC 1035 4.1.1): 3 is "there is no such name".
    Code(u8),
    /// Nothing.
    Nothing,
}

/// Answers every question in the same way, on port 53 of a loopback address of its own.
pub struct NameServer {
    folder: TempDir,
    socket: UdpSocket,
    says: Arc<Mutex<Says>>,
}

impl NameServer {
    /// On 127.53.0.`number`.
    #[track_caller]
    pub fn start(number: u8) -> Self {
        let address = format!("127.53.0.{number}");
        let socket = UdpSocket::bind((address.as_str(), 53))
            .unwrap_or_else(|error| panic!("{address}:53: {error}: run the tests as root"));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // Patient, so that it is not the resolver that gives up in time.
        let file = format!("nameserver {address}\noptions timeout:30 attempts:3\n");
        std::fs::write(folder.path().join("resolv.conf"), file).expect("the file can be written");
        let responder = socket.try_clone().expect("a socket can be shared");
        let says = Arc::new(Mutex::new(Says::Here));
        let what = Arc::clone(&says);
        std::thread::spawn(move || answer(&responder, &what));
        NameServer { folder, socket, says }
    }

    /// From here on it says this.
    pub fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// `command`, which asks this name server and no other.
    pub fn command(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("unshare");
        let mount = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        wrapped.args(["--mount", "--propagation", "private", "sh", "-c", mount]);
        wrapped
            .arg(self.folder.path().join("resolv.conf"))
            .arg(command.get_program())
            .args(command.get_args());
        wrapped.env_clear();
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        wrapped
    }
}

/// A provider whose token endpoint has a name, which one name server alone knows.
pub struct Named {
    /// The endpoint, over TLS.
    pub scene: Scene,
    /// Who knows where it is.
    pub names: NameServer,
    /// Whom the command line trusts: its file is gone with them.
    pub certificates: Certificates,
}

impl Named {
    /// The name: the certificate that is for no loopback address is for this one.
    pub const HOST: &str = "wrong.example";

    /// With a name server on 127.53.0.`number`.
    #[track_caller]
    pub fn new(number: u8) -> Self {
        let certificates = Certificates::make();
        let (key, chain) = certificates.leaf(Leaf::WrongHost);
        let trusting = |home: Home| home.with("SSL_CERT_FILE", text(&certificates.ca()));
        let scene = Scene::of(&format!("https://{}", Named::HOST), trusting);
        scene.endpoint.speak_tls(Some(server_config(&key, &chain)));
        Named { scene, names: NameServer::start(number), certificates }
    }

    /// Runs `tokenkeep` with `arguments`, which asks that name server.
    #[track_caller]
    pub fn tokenkeep(&self, arguments: &[&str]) -> Run {
        run(&mut self.names.command(&self.scene.stage.home.command(arguments)), "")
    }

    /// Logs in.
    #[track_caller]
    pub fn login(&self, connection: &str) {
        let browser = person::browser();
        self.tokenkeep(&["login", "acme", "--connection", connection, "--browser", &browser]).ok();
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        // An empty question ends the thread that answers.
        if let Ok(address) = self.socket.local_addr() {
            let _ = self.socket.send_to(&[], address);
        }
    }
}

fn answer(socket: &UdpSocket, says: &Mutex<Says>) {
    let mut question = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut question) {
        let question = &question[..length];
        if length < 12 {
            return;
        }
        let code = match *says.lock().unwrap() {
            Says::Here => 0,
            Says::Code(code) => code,
            Says::Nothing => continue,
        };
        // The question alone is repeated, whatever else came (EDNS).
        let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap_or(0) + 5;
        let mut answer = question[..end.min(length)].to_vec();
        // A response, recursion desired and available; one question, nothing follows it.
        (answer[2], answer[3]) = (0x81, 0x80 | code);
        answer[6..12].fill(0);
        let asks_for_ipv4 = answer.ends_with(&[0, 1, 0, 1]);
        if code == 0 && asks_for_ipv4 {
            answer[7] = 1;
            // The name of the question (RFC 1035 4.1.4), A, IN, 0 s, four bytes.
            answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
        }
        let _ = socket.send_to(&answer, from);
    }
}
