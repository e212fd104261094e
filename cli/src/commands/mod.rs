//! One file per command, and what they share: the broker, and a way to wait for it.
//!
//! A command that needs no waiting starts no runtime: that is what makes a cached token fast.

mod admin_consent;
mod client;
mod completions;
mod doctor;
mod dpop_proof;
mod explain;
mod export;
mod get;
mod init;
mod list;
mod login;
mod logout;
mod providers;
mod scopes;
mod token;

use std::future::Future;
use std::time::Duration;

use tokenkeep::{
    Broker, BrokerOptions, Environment, ErrorKind, KeySource, KeyState, ProviderName, Result, Secret,
};
use tokio::time::timeout;

use crate::args::{Cli, Command, Global};
use crate::exit::Failure;
use crate::interaction::{ask_passphrase, somebody_is_here};
use crate::output::say;

/// A refresh that is written down sooner than this is nothing to talk about.
const SHORT: Duration = Duration::from_millis(300);

/// What a command works with.
pub struct Invocation {
    pub broker: Broker,
    pub json: bool,
}

/// Runs the command. A store that wants its passphrase gets it from the person, when there is one.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    if let Command::Completions(args) = &cli.command {
        // Run by a shell's start-up or a package's build: there may be no home to open a store in.
        return completions::run(args, cli.global.json);
    }
    if let Command::Explain(args) = &cli.command {
        // About an error that somebody was sent, and not about this machine.
        return explain::run(args, cli.global.json);
    }
    let invocation = Invocation::open(cli, None)?;
    let outcome = invocation.run(&cli.command);
    if matches!(&outcome, Err(Failure::Core(error)) if *error.kind() == ErrorKind::StoreLocked)
        && somebody_is_here()
        && let Some(new) = wants_passphrase(&invocation, cli)
    {
        // The store is the first thing that a command opens: nothing has happened yet.
        return Invocation::open(cli, Some(ask_passphrase(new)?))?.run(&cli.command);
    }
    outcome
}

/// Whether it is a passphrase that the store lacks: true for that of a store that is yet to be made.
fn wants_passphrase(invocation: &Invocation, cli: &Cli) -> Option<bool> {
    let environment = Environment::process();
    if environment.get("TOKENKEEP_PASSPHRASE").is_some() {
        return None;
    }
    let state = invocation.broker.inspect();
    match (state.key_source, state.key) {
        (Some(KeySource::Passphrase), _) => Some(false),
        (_, KeyState::NoVault) => {
            let named = environment.get("TOKENKEEP_KEY").and_then(|name| name.parse().ok());
            (cli.command.key_source().or(named) == Some(KeySource::Passphrase)).then_some(true)
        }
        _ => None,
    }
}

impl Invocation {
    fn open(cli: &Cli, passphrase: Option<Secret>) -> Result<Self> {
        let Global { home, lock_wait, json, insecure_loopback, .. } = &cli.global;
        let broker = Broker::open(BrokerOptions {
            home: home.clone(),
            key_source: cli.command.key_source(),
            passphrase,
            lock_wait: lock_wait.map(Duration::from_secs),
            insecure_loopback: *insecure_loopback,
            ..BrokerOptions::default()
        })?;
        Ok(Invocation { broker, json: *json })
    }

    fn run(&self, command: &Command) -> Result<(), Failure> {
        match command {
            Command::Login(args) => login::run(self, args),
            Command::Token(args) => token::run(self, args),
            Command::List(args) => list::run(self, args),
            Command::Get(args) => get::run(self, args),
            Command::Logout(args) => logout::run(self, args),
            Command::Export(args) => export::run(self, args),
            Command::Providers(args) => providers::run(self, args),
            Command::Scopes(args) => scopes::run(self, args),
            Command::Client(args) => client::run(self, args),
            Command::AdminConsent(args) => admin_consent::run(self, args),
            Command::DpopProof(args) => dpop_proof::run(self, args),
            Command::Init(_) => init::run(self),
            Command::Doctor => doctor::run(self),
            Command::Explain(args) => explain::run(args, self.json),
            Command::Completions(args) => completions::run(args, self.json),
        }
    }

    /// Opens the store and looks the provider up: nobody types a secret for an error that was there before.
    fn before_a_secret(&self, provider: &ProviderName) -> Result<()> {
        self.broker.provider(provider)?;
        self.broker.connections().map(|_| ())
    }

    /// Waits for `work`, hands what came of it to `then`, and leaves when everything is written down.
    /// Ctrl-C and SIGTERM give `work` up, and still let a refresh that is under way be written down.
    fn wait<T>(
        &self,
        work: impl Future<Output = Result<T>>,
        then: impl FnOnce(T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let unable =
            |error| Failure::own(ErrorKind::Internal, format!("no runtime: {error}"), "please report it");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unable)?;
        let outcome = runtime.block_on(async {
            let mut signals = Signals::listen().map_err(unable)?;
            let outcome = tokio::select! {
                outcome = work => outcome.map_err(Failure::from).and_then(then),
                signal = signals.next() => Err(Failure::Interrupted(signal)),
            };
            tokio::select! {
                () = self.close() => outcome,
                // Whoever insists is not held up: what was sent is marked in the record.
                signal = signals.next() => outcome.and(Err(Failure::Interrupted(signal))),
            }
        });
        // What a person, a keychain or a browser has not answered is not waited for.
        runtime.shutdown_background();
        outcome
    }

    async fn close(&self) {
        let mut closing = std::pin::pin!(self.broker.close());
        if timeout(SHORT, &mut closing).await.is_err() {
            say("A refresh is under way; waiting until it is written down. Ctrl-C leaves at once.");
            closing.await;
        }
    }
}

impl Command {
    /// The one option of a command that the broker is opened with.
    fn key_source(&self) -> Option<KeySource> {
        if let Command::Init(args) = self { args.key } else { None }
    }
}

/// The signals that ask a program to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    break_key: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Signals {
            interrupt: ctrl_c()?,
            break_key: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// By the numbers of Unix. Who closes the window, or the machine, leaves a program five seconds.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.break_key.recv() => 2,
            _ = self.close.recv() => 15,
            _ = self.shutdown.recv() => 15,
        }
    }
}
