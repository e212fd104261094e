//! `authorization-server`: the library as a program. Prints one line of JSON when it listens, then serves until
//! SIGTERM, SIGINT or, if asked, the end of its standard input.

use std::fs;
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use authorization_server::{
    AssertionReplay, AuthorizationServer, ClientCertificate, Consent, Dialect, Fault, Host, IssuerParameter,
    Person, PublicKey, RegisteredClient, Rotation, ServerOptions,
};
use clap::Parser;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::oneshot;

/// A scripted OAuth authorization server for tests.
#[derive(Parser)]
#[command(name = "authorization-server")]
struct Arguments {
    /// The port; 0 lets the kernel choose.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// localhost or 127.0.0.1 [default: 127.0.0.1; localhost in the Entra dialect]
    #[arg(long, value_parser = word::<Host>)]
    host: Option<Host>,
    /// Which server to play: plain or entra.
    #[arg(long, default_value = "plain", value_parser = word::<Dialect>)]
    dialect: Dialect,
    /// Serve https; write the authority's ca.pem here.
    #[arg(long, value_name = "DIR")]
    tls_directory: Option<PathBuf>,
    /// A further name of the server over https, such as login.microsoftonline.com.
    #[arg(long, value_name = "NAME")]
    tls_name: Vec<String>,
    /// Start a proxy that leads to the server for each --tls-name, and nowhere else.
    #[arg(long)]
    proxy: bool,
    /// none, keep-old, reuse-detection or grace:SECONDS [default: reuse-detection; keep-old in the Entra dialect]
    #[arg(long)]
    rotation: Option<Rotation>,
    /// expires_in [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    access_token_lifetime: Option<u64>,
    /// ext_expires_in, in the Entra dialect [default: as expires_in]
    #[arg(long, value_name = "SECONDS")]
    ext_expires_in: Option<u64>,
    /// refresh_in; without this the member is left out.
    #[arg(long, value_name = "SECONDS")]
    refresh_in: Option<u64>,
    /// How long an authorization code lives [default: 60]
    #[arg(long, value_name = "SECONDS")]
    code_lifetime: Option<u64>,
    /// The interval of a device authorization [default: 5]
    #[arg(long, value_name = "SECONDS")]
    device_interval: Option<u64>,
    /// The expires_in of a device authorization [default: 900]
    #[arg(long, value_name = "SECONDS")]
    device_lifetime: Option<u64>,
    /// Approve a device after so many pending polls.
    #[arg(long, value_name = "POLLS")]
    device_approve_after: Option<u32>,
    /// Deny a device after so many pending polls.
    #[arg(long, value_name = "POLLS")]
    device_deny_after: Option<u32>,
    /// What the person does: approve, deny or form (be asked) [default: approve]
    #[arg(long, value_parser = word::<Person>)]
    person: Option<Person>,
    /// The iss of authorization responses: on, off or wrong [default: on; off in the Entra dialect]
    #[arg(long, value_parser = word::<IssuerParameter>)]
    iss: Option<IssuerParameter>,
    /// A client, public or with a secret; instead of the default ones.
    #[arg(long, value_name = "ID[:SECRET]")]
    client: Vec<RegisteredClient>,
    /// The certificate by which a client's assertions are known, in PEM; makes the client, or adds to its secret.
    #[arg(long, value_name = "ID:FILE", value_parser = client_certificate)]
    client_certificate: Vec<(String, ClientCertificate)>,
    /// The same for a client that has a key alone: the public one, in PEM.
    #[arg(long, value_name = "ID:FILE", value_parser = client_key)]
    client_key: Vec<(String, PublicKey)>,
    /// Every client's secret has expired.
    #[arg(long)]
    secrets_expired: bool,
    /// An assertion that was used before is accepted or refused [default: refused; accepted in the Entra dialect]
    #[arg(long, value_parser = word::<AssertionReplay>)]
    assertion_replay: Option<AssertionReplay>,
    /// Entra: what becomes of a refresh for scopes that nobody consented to: given or enforced (refused)
    /// [default: given]
    #[arg(long, value_parser = word::<Consent>)]
    consent: Option<Consent>,
    /// Entra: the tenant in which accounts are at home, wherever they sign in [default: where they sign in]
    #[arg(long, value_name = "TENANT")]
    home_tenant: Option<String>,
    /// Entra: a tenant that is not known, such as contoso.com.
    #[arg(long, value_name = "TENANT")]
    unknown_tenant: Vec<String>,
    /// A path that loopback redirect URIs may have; instead of / and /callback.
    #[arg(long, value_name = "PATH")]
    redirect_path: Vec<String>,
    /// A JSON file with one fault or an array of faults.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Options as POST /_control/options takes them, such as '{"registration": {"enabled": true}}'
    #[arg(long, value_name = "JSON", value_parser = json_text)]
    options: Vec<Value>,
    /// Write every journal entry to this file, one line of JSON each.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Put the issuer below a path, such as /t1.
    #[arg(long, value_name = "PATH", default_value = "", value_parser = issuer_path)]
    issuer_path: String,
    /// Exit when standard input ends, so that a test that is killed leaves nothing behind.
    #[arg(long)]
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr().lock(), "authorization-server: {error}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let running = AuthorizationServer::start(options(arguments)?)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Handlers first: who reads the line may send the signal at once.
        let asked_to_end = signals()?;
        let mut ready = json!({
            "issuer": running.issuer(),
            "origin": running.origin(),
            "port": running.port(),
            "pid": std::process::id(),
        });
        if let Some(proxy) = running.proxy() {
            ready["proxy"] = json!(proxy.url());
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{ready}")?;
        stdout.flush()?;
        tokio::select! {
            () = asked_to_end => {}
            () = stdin_closes(), if arguments.until_stdin_closes => {}
        }
        Ok(())
    })
}

/// Listens from now on for what asks a program to end, and waits for it.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(windows)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// Waits in a thread, because a read of standard input cannot be taken back.
async fn stdin_closes() {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        io::stdin().lock().read_to_end(&mut Vec::new()).unwrap_or_default();
        closed.send(()).unwrap_or_default();
    });
    wait.await.unwrap_or_default();
}

/// The dialect's options, changed where the command line says so.
fn options(arguments: &Arguments) -> io::Result<ServerOptions> {
    let mut options = match arguments.dialect {
        Dialect::Plain => ServerOptions::plain(),
        Dialect::Entra => ServerOptions::entra(),
    };
    options.port = arguments.port;
    options.issuer_path.clone_from(&arguments.issuer_path);
    options.tls_directory.clone_from(&arguments.tls_directory);
    options.tls_names.clone_from(&arguments.tls_name);
    options.proxy = arguments.proxy;
    options.journal.clone_from(&arguments.journal);
    options.script = script(arguments)?;
    set(&mut options.host, arguments.host);
    if !arguments.client.is_empty() {
        options.clients.clone_from(&arguments.client);
    }
    for (id, certificate) in &arguments.client_certificate {
        let client = taken(&mut options.clients, id);
        options.clients.push(client.with_certificate(certificate.clone()));
    }
    for (id, key) in &arguments.client_key {
        let client = taken(&mut options.clients, id);
        options.clients.push(client.with_key(key.clone()));
    }
    if !arguments.redirect_path.is_empty() {
        options.redirect_paths.clone_from(&arguments.redirect_path);
    }
    let live = &mut options.live;
    set(&mut live.rotation, arguments.rotation);
    set(&mut live.access_token_lifetime, arguments.access_token_lifetime);
    set(&mut live.code_lifetime, arguments.code_lifetime);
    set(&mut live.device_interval, arguments.device_interval);
    set(&mut live.device_lifetime, arguments.device_lifetime);
    set(&mut live.person, arguments.person);
    set(&mut live.issuer_parameter, arguments.iss);
    live.ext_expires_in = arguments.ext_expires_in;
    live.refresh_in = arguments.refresh_in;
    live.secrets_expired = arguments.secrets_expired;
    set(&mut live.assertion_replay, arguments.assertion_replay);
    set(&mut live.consent, arguments.consent);
    live.home_tenant.clone_from(&arguments.home_tenant);
    live.unknown_tenants.clone_from(&arguments.unknown_tenant);
    live.device_approve_after = arguments.device_approve_after;
    live.device_deny_after = arguments.device_deny_after;
    for changes in &arguments.options {
        *live = live.changed(changes.clone())?;
    }
    Ok(options)
}

fn script(arguments: &Arguments) -> io::Result<Vec<Fault>> {
    let Some(path) = &arguments.script else { return Ok(Vec::new()) };
    let script: Value = serde_json::from_slice(&fs::read(path)?)?;
    Ok(match script {
        Value::Array(_) => serde_json::from_value(script)?,
        one => vec![serde_json::from_value(one)?],
    })
}

fn set<T>(option: &mut T, argument: Option<T>) {
    if let Some(argument) = argument {
        *option = argument;
    }
}

/// One of the words that stand for a value in JSON as well.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

fn json_text(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The client of that id, taken out of `clients`; a public one when there is none.
fn taken(clients: &mut Vec<RegisteredClient>, id: &str) -> RegisteredClient {
    let known = clients.iter().position(|client| client.id == *id);
    known.map_or_else(|| RegisteredClient::public(id), |known| clients.remove(known))
}

/// `ID:FILE`.
fn client_certificate(text: &str) -> Result<(String, ClientCertificate), String> {
    let (id, file) = text.split_once(':').ok_or("not ID:FILE")?;
    let certificate = ClientCertificate::from_pem_file(file.as_ref()).map_err(|error| error.to_string())?;
    Ok((id.into(), certificate))
}

/// `ID:FILE`.
fn client_key(text: &str) -> Result<(String, PublicKey), String> {
    let (id, file) = text.split_once(':').ok_or("not ID:FILE")?;
    let key = PublicKey::from_pem_file(file.as_ref()).map_err(|error| error.to_string())?;
    Ok((id.into(), key))
}

/// `/t1`, or nothing.
fn issuer_path(text: &str) -> Result<String, String> {
    if text.is_empty() || (text.starts_with('/') && !text.ends_with('/')) {
        Ok(text.into())
    } else {
        Err("begins with a slash and ends without one".into())
    }
}
