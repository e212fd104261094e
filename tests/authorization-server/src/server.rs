//! Starting and stopping, and what a test holds while the server runs.

use std::io;
use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::consent::Whose;
use crate::entra;
use crate::fault::Fault;
use crate::journal::Journal;
use crate::listener;
use crate::live_options::LiveOptions;
use crate::options::ServerOptions;
use crate::proxy::Proxy;
use crate::shared::Shared;
use crate::tls;

/// The server; see [`AuthorizationServer::start`].
pub struct AuthorizationServer;

impl AuthorizationServer {
    /// Starts the server in a thread of its own, so that synchronous and asynchronous tests can use it alike. It is
    /// listening when this returns.
    ///
    /// # Errors
    ///
    /// When the port is taken, a file named in the options cannot be written, or names or a proxy are wanted without
    /// https.
    pub fn start(options: ServerOptions) -> io::Result<Running> {
        if options.tls_directory.is_none() && (options.proxy || !options.tls_names.is_empty()) {
            let text = "further names and a proxy want https: name a directory for its authority";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (listeners, port) = listener::bind(options.host, options.port)?;
        let (acceptor, ca_certificate) = match &options.tls_directory {
            Some(directory) => {
                let (acceptor, path) = tls::acceptor(directory, &options.tls_names)?;
                (Some(acceptor), Some(path))
            }
            None => (None, None),
        };
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}:{port}", options.host.as_str());
        let proxy = options.proxy.then(|| way_in(options.tls_names.clone(), port)).transpose()?;
        let shared = Arc::new(Shared::new(options, origin, proxy)?);
        let (stop, stopped) = oneshot::channel();
        // One thread: requests are answered in microseconds, and in the order in which they come.
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = {
            let shared = shared.clone();
            let run = move || runtime.block_on(serve(listeners, acceptor, shared, stopped));
            thread::Builder::new().name("authorization-server".into()).spawn(run)?
        };
        Ok(Running { shared, port, ca_certificate, stop: Some(stop), thread: Some(thread) })
    }
}

/// The proxy that leads here and nowhere else.
fn way_in(names: Vec<String>, port: u16) -> io::Result<Proxy> {
    Proxy::start(move |target| match target.strip_suffix(":443") {
        Some(name) if names.iter().any(|known| known == name) => Ok(port),
        _ => Err("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".into()),
    })
}

async fn serve(
    listeners: Vec<StdListener>,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    for listener in listeners {
        tokio::spawn(listener::accept(TcpListener::from_std(listener)?, tls.clone(), shared.clone()));
    }
    // The other end says so, or is gone: either way it is over.
    stopped.await.unwrap_or_default();
    Ok(())
}

/// A running server. Dropping it stops it.
pub struct Running {
    shared: Arc<Shared>,
    port: u16,
    ca_certificate: Option<PathBuf>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// The issuer; in the Entra dialect that of the home tenant, which `common` signs in to.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.shared.default_issuer()
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file that holds the certificate authority, when the server speaks TLS.
    #[must_use]
    pub fn ca_certificate(&self) -> Option<&Path> {
        self.ca_certificate.as_deref()
    }

    /// The proxy, if there is one: what it is called, and what it was asked.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.shared.proxy.as_ref()
    }

    /// What was asked so far.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Adds a fault behind those that wait.
    pub fn push_fault(&self, fault: Fault) {
        self.shared.faults().push(fault);
    }

    /// Forgets the faults that wait.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// The options that can change, as they are.
    #[must_use]
    pub fn options(&self) -> LiveOptions {
        self.shared.live()
    }

    /// Changes them, from the next request on.
    pub fn set_options(&self, options: LiveOptions) {
        self.shared.set_live(options);
    }

    /// The person approves a device. Says whether one waits with this code.
    pub fn approve_device(&self, user_code: &str) -> bool {
        self.shared.state().devices.decide(user_code, true, Instant::now())
    }

    /// The person denies a device. Says whether one waits with this code.
    pub fn deny_device(&self, user_code: &str) -> bool {
        self.shared.state().devices.decide(user_code, false, Instant::now())
    }

    /// The ids of the clients that registered themselves.
    #[must_use]
    pub fn registered_clients(&self) -> Vec<String> {
        self.shared.state().registrations.ids()
    }

    /// Forgets a client that registered itself, which is not told. Says whether there was one.
    pub fn forget_client(&self, client_id: &str) -> bool {
        self.shared.state().registrations.forget(client_id)
    }

    /// Puts a client's document where its id says.
    pub fn publish_client_document(&self, url: &str, document: Map<String, Value>) {
        self.shared.state().client_documents.publish(url.into(), document);
    }

    /// No nonce that was given out is good any more.
    pub fn forget_nonces(&self) {
        self.shared.state().proofs.forget_nonces();
    }

    /// An administrator allows a client these scopes for everybody of a tenant: its id or domain.
    pub fn consent_for_tenant(&self, client_id: &str, tenant: &str, scope: &[&str]) {
        self.allow(client_id, Whose::Tenant(entra::tenant_id(tenant)), scope);
    }

    /// A person allows a client these scopes.
    pub fn consent_for_account(&self, client_id: &str, username: &str, scope: &[&str]) {
        self.allow(client_id, Whose::Account(username.into()), scope);
    }

    fn allow(&self, client_id: &str, whose: Whose, scope: &[&str]) {
        let scope: Vec<String> = scope.iter().map(|scope| (*scope).into()).collect();
        self.shared.state().consents.allow(client_id, whose, &scope);
    }

    /// Takes back whatever was allowed to whom.
    pub fn withdraw_consent(&self) {
        self.shared.state().consents.clear();
    }

    /// `/resource` refuses every access token given so far. The clients are not told.
    pub fn expire_access_tokens(&self) {
        self.shared.state().expire_access_tokens(Instant::now());
    }

    /// Ends every grant, as a changed password does.
    pub fn revoke_all(&self) {
        self.shared.state().revoke_all();
    }

    /// Stops the server and waits until its sockets are closed.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap_or_default();
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on standard error already.
            thread.join().map(|_| ()).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_server_frees_its_port() {
        fn shared_between_threads<T: Send + Sync>(_: &T) {}

        let first = AuthorizationServer::start(ServerOptions::entra()).unwrap();
        shared_between_threads(&first);
        let taken = ServerOptions { port: first.port(), ..ServerOptions::entra() };
        assert!(AuthorizationServer::start(taken.clone()).is_err());
        let origin = first.origin().to_owned();
        first.stop();
        assert_eq!(AuthorizationServer::start(taken).unwrap().origin(), origin);
    }
}
