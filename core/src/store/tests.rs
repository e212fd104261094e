//! What the room's tests share: records to keep, and a second process.
//!
//! The tests of one file are beside it; `contract.rs` holds every store to the trait's words, and
//! `samples.rs` holds today's code to what is on disk since the first release.

mod contract;
mod samples;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::record::*;
use crate::clock::{Instant, Timestamp};
use crate::names::ConnectionKey;
use crate::protocol::ClientAuthentication;
use crate::secret::Secret;

/// `github/work` for one.
pub(crate) fn connection_key(name: &str) -> ConnectionKey {
    let (provider, connection) = name.split_once('/').unwrap();
    ConnectionKey::new(provider.parse().unwrap(), connection.parse().unwrap())
}

/// A small record of that connection.
pub(crate) fn record(name: &str) -> ConnectionRecord {
    ConnectionRecord {
        key: connection_key(name),
        grant_id: "grant".to_owned(),
        status: ConnectionStatus::Connected,
        application: false,
        client: RecordClient {
            certificate: None,
            credential_expires_at: None,
            capabilities: Vec::new(),
            issuer_bound: false,
            dynamic: false,
            client_id: "client".to_owned(),
            authentication: ClientAuthentication::None,
            client_secret: None,
        },
        server: RecordServer {
            issuer: None,
            token_endpoint: "https://as.example/token".to_owned(),
            revocation_endpoint: None,
            tenant: None,
            cloud: None,
            scope_separator: ' ',
            response_scope_separator: None,
            scope_on_refresh: false,
            refresh_endpoint: None,
            dialect: Default::default(),
            revocation_method: Default::default(),
            rotation: Default::default(),
            resource: None,
            assertion_algorithms: None,
            named_resource: None,
        },
        account: Account::default(),
        values: Default::default(),
        api: Default::default(),
        dpop_key: None,
        requested_scopes: "read".parse().unwrap(),
        granted_scopes: "read".parse().unwrap(),
        refresh_scopes: None,
        refresh_token: Some(Secret::new("refresh-canary")),
        access_tokens: vec![AccessTokenRecord {
            extended_lifetime: None,
            requested_scopes: None,
            resource: None,
            secret: Secret::new("access-canary"),
            token_type: "Bearer".to_owned(),
            scopes: "read".parse().unwrap(),
            obtained: Instant { wall: Timestamp::from_unix(1_790_000_000), boot: None },
            lifetime: Some(3600),
            claims: None,
            refresh_in: None,
        }],
        logged_in_at: Timestamp::from_unix(1_790_000_000),
        refreshed_at: None,
        refresh_attempt: None,
        cool_down: None,
        refusal: None,
        earlier_refusals: Vec::new(),
    }
}

/// The same record with another refresh token.
pub(crate) fn rotated(name: &str, refresh_token: &str) -> ConnectionRecord {
    ConnectionRecord { refresh_token: Some(Secret::new(refresh_token)), ..record(name) }
}

/// A registration with that provider.
pub(crate) fn registration(provider: &str) -> RegistrationRecord {
    RegistrationRecord {
        provider: provider.parse().unwrap(),
        issuer: None,
        dynamic: None,
        client_id: "client".to_owned(),
        client_secret: Some(Secret::new("secret-canary")),
        stored_at: Timestamp::from_unix(1_790_000_000),
    }
}

const ROLE: &str = "TOKENKEEP_TEST_ROLE";
const PLACE: &str = "TOKENKEEP_TEST_PLACE";

/// Runs the test that calls it once more, in a process of its own: there, `role()` says what to do.
/// `module` is `module_path!()`.
pub(crate) fn again(module: &str, test: &str, role: &str, place: &Path) -> Command {
    let (_, module) = module.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("{module}::{test}"), "--nocapture"]);
    command.env(ROLE, role).env(PLACE, place).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// What this process was started for; `None` in the one that the tester started.
pub(crate) fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, PathBuf::from(std::env::var_os(PLACE)?)))
}

/// Tells the process that started this one.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Waits until the child says that line.
pub(crate) fn hear(child: &mut Child, line: &str) {
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    let heard: Vec<String> = said.map_while(Result::ok).take_while(|said| said != line).collect();
    assert!(child.try_wait().unwrap().is_none(), "the child ended: {heard:?}");
}
