//! `tokenkeep doctor`: a look at everything that a login and a token depend on. Changes nothing.

use std::path::Path;

use serde::Serialize;
use tokenkeep::{Connection, Environment, Error, KeySource, KeyState, VaultState};

use super::Invocation;
use crate::exit::{Failure, Report, exit_code, report};
use crate::output::{data, json, rfc3339, warn_of_credential};

/// Their values may hold a password: only their names are shown.
const PROXIES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];
/// macOS and Windows read no variable.
const CERTIFICATES: &[&str] =
    if cfg!(any(target_os = "macos", windows)) { &[] } else { &["SSL_CERT_FILE", "SSL_CERT_DIR"] };

#[derive(Serialize)]
struct DoctorView<'a> {
    home: &'a Path,
    key_source: Option<&'static str>,
    key: &'static str,
    keychain: Option<&'a str>,
    files: Vec<FileView<'a>>,
    connections: usize,
    registrations: usize,
    credentials: Vec<CredentialView>,
    kept_aside: &'a [std::path::PathBuf],
    providers: usize,
    flow: &'static str,
    flow_reason: &'static str,
    proxies: Vec<&'static str>,
    certificates: Vec<String>,
    problems: Vec<Report<'a>>,
}

/// A client secret or a certificate whose end is known.
#[derive(Serialize)]
struct CredentialView {
    provider: String,
    connection: String,
    expires_at: String,
}

#[derive(Serialize)]
struct FileView<'a> {
    path: &'a Path,
    mode: Option<String>,
    open_to_others: bool,
}

pub fn run(invocation: &Invocation) -> Result<(), Failure> {
    let state = invocation.broker.inspect();
    let (known, mut problems) = providers(invocation);
    let (connections, in_store) = store_problems(invocation, &state);
    problems.splice(0..0, in_store);
    let environment = Environment::process();
    let set = |name: &&str| environment.get(name).is_some();
    let (flow, flow_reason) = invocation.broker.preferred_flow(false)?;
    let view = DoctorView {
        home: &state.home,
        key_source: state.key_source.map(KeySource::as_str),
        key: match &state.key {
            KeyState::NoVault => "none yet",
            KeyState::Found => "found",
            KeyState::Asked => "asked for each time",
            KeyState::Missing(_) => "missing",
        },
        keychain: state.keychain.as_ref().map(Error::message),
        files: state.files.iter().map(FileView::from).collect(),
        connections: state.connections,
        registrations: state.registrations,
        credentials: connections.iter().filter_map(credential).collect(),
        kept_aside: &state.kept_aside,
        providers: known,
        flow: flow.as_str(),
        flow_reason,
        proxies: PROXIES.into_iter().filter(set).collect(),
        certificates: CERTIFICATES
            .iter()
            .filter_map(|name| Some(format!("{name}={}", environment.get(name)?)))
            .collect(),
        problems: problems.iter().map(Report::from).collect(),
    };
    if invocation.json { json(&view) } else { data(&text(&view)) }?;
    connections.iter().for_each(warn_of_credential);
    for problem in &problems {
        report(problem, invocation.json);
    }
    problems.first().map_or(Ok(()), |first| Err(Failure::Reported(exit_code(first.code()))))
}

/// The connections that can be read, and what stands between this store and a token.
fn store_problems(invocation: &Invocation, state: &VaultState) -> (Vec<Connection>, Vec<Error>) {
    let problems = match &state.key {
        KeyState::Missing(error) => vec![error.clone()],
        // The first login would ask for a choice; the doctor says so before.
        KeyState::NoVault if Environment::process().get("TOKENKEEP_KEY").is_none() => {
            state.keychain.iter().cloned().collect()
        }
        KeyState::NoVault | KeyState::Asked => Vec::new(),
        KeyState::Found => match invocation.broker.connections() {
            Ok(all) => return (all.connections, all.damaged),
            Err(error) => vec![error],
        },
    };
    (Vec::new(), problems)
}

fn credential(connection: &Connection) -> Option<CredentialView> {
    Some(CredentialView {
        provider: connection.key.provider.to_string(),
        connection: connection.key.connection.to_string(),
        expires_at: rfc3339(connection.credential_expires_at?),
    })
}

fn providers(invocation: &Invocation) -> (usize, Vec<Error>) {
    match invocation.broker.providers() {
        Ok(all) => {
            let count = all.len();
            let broken: Vec<Error> = all.into_iter().filter_map(Result::err).collect();
            (count - broken.len(), broken)
        }
        Err(error) => (0, vec![error]),
    }
}

fn text(view: &DoctorView<'_>) -> String {
    let list = |items: &[String]| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    let proxies: Vec<String> = view.proxies.iter().map(|name| (*name).to_owned()).collect();
    let certificates =
        if view.certificates.is_empty() { "the system's".to_owned() } else { list(&view.certificates) };
    let kept_aside: Vec<String> = view.kept_aside.iter().map(|path| path.display().to_string()).collect();
    let mut lines = vec![
        format!("home:          {}", view.home.display()),
        format!(
            "key:           {}{}",
            view.key,
            view.key_source.map(|source| format!(" ({source})")).unwrap_or_default()
        ),
        format!("keychain:      {}", view.keychain.unwrap_or("answers")),
        format!("connections:   {}", view.connections),
        format!("registrations: {}", view.registrations),
        format!("kept aside:    {}", list(&kept_aside)),
        format!("providers:     {}", view.providers),
        format!("login by:      {} ({})", view.flow, view.flow_reason),
        format!("proxies:       {}", list(&proxies)),
        format!("certificates:  {certificates}"),
    ];
    for credential in &view.credentials {
        let CredentialView { provider, connection, expires_at } = credential;
        lines.push(format!("credential:    {provider}/{connection} ends at {expires_at}"));
    }
    for file in &view.files {
        let open = if file.open_to_others { "  open to other users" } else { "" };
        lines.push(format!(
            "file:          {}  {}{open}",
            file.mode.as_deref().unwrap_or("    "),
            file.path.display()
        ));
    }
    lines.push(format!("problems:      {}", view.problems.len()));
    lines.join("\n")
}

impl<'a> From<&'a tokenkeep::FileState> for FileView<'a> {
    fn from(file: &'a tokenkeep::FileState) -> Self {
        FileView {
            path: &file.path,
            mode: file.mode.map(|mode| format!("{:04o}", mode & 0o7777)),
            open_to_others: file.open_to_others,
        }
    }
}
