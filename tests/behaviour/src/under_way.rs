//! A login that has begun and waits for its person.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokenkeep_test_support::{Run, Running};
use url::Url;

/// A login that waits.
pub struct UnderWay {
    /// The command.
    pub running: Running,
    /// Where the person is sent: the authorization URL, which stood on a line of its own.
    pub url: Url,
}

impl UnderWay {
    /// Waits until the command has shown its URL.
    #[track_caller]
    pub fn wait(mut running: Running) -> Self {
        let line = running.stderr_line(|line| line.starts_with("http"));
        let url = Url::parse(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        UnderWay { running, url }
    }

    /// A parameter of the authorization request.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> String {
        let found = self.url.query_pairs().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.url)).1.into_owned()
    }

    /// Where the answer is received, with this query.
    #[track_caller]
    pub fn redirect(&self, query: &str) -> Url {
        let mut url = Url::parse(&self.parameter("redirect_uri")).expect("a redirect URI is a URL");
        url.set_query(Some(query));
        url
    }

    /// The port that the answer is received at.
    #[track_caller]
    pub fn port(&self) -> u16 {
        self.redirect("").port().expect("a loopback redirect has a port")
    }

    /// The end of the command.
    #[track_caller]
    pub fn finish(self) -> Run {
        self.running.finish()
    }
}

/// True when nobody listens at `port` any more, or nobody does within a second.
pub fn is_closed(port: u16) -> bool {
    let until = Instant::now() + Duration::from_secs(1);
    let open = || ["127.0.0.1", "::1"].into_iter().any(|host| TcpStream::connect((host, port)).is_ok());
    while open() {
        if Instant::now() > until {
            return false;
        }
        std::thread::yield_now();
    }
    true
}
