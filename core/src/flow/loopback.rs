//! The loopback redirect (RFC 8252 7.3): a listener for one login.
//!
//! - The socket is bound before the redirect URI is made and kept until the end: no other process can
//!   take the port in between.
//! - It listens on loopback addresses alone; for `localhost` on both families or not at all, so that a
//!   browser that prefers the other one does not reach a stranger.
//! - `Host` must name this machine (DNS rebinding); `Origin` is met only with a form post, and then
//!   `state` decides; nothing it answers depends on what came, but for yes and no.
//! - A wrong request is answered and forgotten: only the answer that carries this login's `state` ends
//!   the wait, and only the first one.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::page::{Page, see_other};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{AuthorizationResponse, ResponseRejection};
use crate::provider::{RedirectDefinition, RedirectHost};

/// A connection that has not sent its request by then is closed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// An authorization response is a few kilobytes.
const MAX_REQUEST: usize = 64 << 10;
/// More connections than a browser and a port scanner make together.
const MAX_CONNECTIONS: usize = 512;
/// How long the browser may take to fetch its last page.
const FAREWELL: Duration = Duration::from_secs(1);

/// A bound loopback redirect.
pub(super) struct Loopback {
    listeners: Vec<TcpListener>,
    redirect_uri: String,
    path: String,
    port: u16,
}

/// What came to the redirect URI.
pub(super) enum Arrival {
    /// The answer to this login.
    Answer(AuthorizationResponse),
    /// Something else, and why it was refused.
    Refused(ResponseRejection),
}

/// A loopback redirect that is being listened to. Dropping it closes the port.
pub(super) struct Listening {
    arrivals: mpsc::Receiver<Arrival>,
    ending: watch::Sender<Option<Page>>,
    room: Arc<Room>,
    // Aborts the accept loops, and with them every connection.
    _tasks: JoinSet<()>,
}

type Judge = Box<dyn Fn(&str) -> Result<AuthorizationResponse, ResponseRejection> + Send + Sync>;

/// What the connections share.
struct Room {
    judge: Judge,
    hosts: Vec<String>,
    path: String,
    done_path: String,
    answered: AtomicBool,
    arrivals: mpsc::Sender<Arrival>,
    ending: watch::Receiver<Option<Page>>,
    farewell_sent: Notify,
}

impl Loopback {
    /// Binds the redirect that the provider takes: any free port, or the one it insists on.
    pub(super) async fn bind(redirect: &RedirectDefinition) -> Result<Self> {
        let (listeners, port) = match redirect.port {
            Some(port) => {
                (bind_port(redirect.host, port).await.map_err(|error| port_busy(port, &error))?, port)
            }
            None => bind_any(redirect.host).await?,
        };
        let redirect_uri = format!("http://{}:{port}{}", redirect.host, redirect.path);
        Ok(Loopback { listeners, redirect_uri, path: redirect.path.clone(), port })
    }

    /// RFC 6749 3.1.2, with the port that is bound.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Begins to listen. `judge` decides whether parameters are the answer to this login.
    pub(super) fn listen(self, judge: Judge) -> Listening {
        // One answer and a few refusals; a full channel drops refusals, never the answer.
        let (arrivals_in, arrivals) = mpsc::channel(16);
        let (ending, ending_seen) = watch::channel(None);
        let mut hosts: Vec<String> =
            ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{}", self.port)).into();
        if self.port == 80 {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let room = Arc::new(Room {
            judge,
            hosts,
            done_path: format!("{}/done", self.path.trim_end_matches('/')),
            path: self.path,
            answered: AtomicBool::new(false),
            arrivals: arrivals_in,
            ending: ending_seen,
            farewell_sent: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(accept(listener, Arc::clone(&room)));
        }
        Listening { arrivals, ending, room, _tasks: tasks }
    }
}

impl Listening {
    /// The next arrival.
    pub(super) async fn arrival(&mut self) -> Result<Arrival> {
        let gone = || Error::new(ErrorKind::Internal, "the loopback listener has ended");
        self.arrivals.recv().await.ok_or_else(gone)
    }

    /// Tells the browser how the login ended, and closes the port once it knows.
    pub(super) async fn finish(self, page: Page) {
        self.ending.send_replace(Some(page));
        if self.room.answered.load(Ordering::SeqCst) {
            // A browser that was closed meanwhile is not waited for.
            let _ = tokio::time::timeout(FAREWELL, self.room.farewell_sent.notified()).await;
        }
    }
}

/// Takes connections until the listening ends. Each is served on its own: a slow one holds up no other. When
/// there are too many, the one that came first goes: a browser's request is done within moments, and who only
/// holds connections open does not keep the browser out.
async fn accept(listener: TcpListener, room: Arc<Room>) {
    let mut connections = JoinSet::new();
    let mut in_order = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                while connections.try_join_next().is_some() {}
                if in_order.len() >= MAX_CONNECTIONS {
                    in_order.retain(|connection: &AbortHandle| !connection.is_finished());
                }
                if in_order.len() >= MAX_CONNECTIONS
                    && let Some(first) = in_order.pop_front()
                {
                    first.abort();
                }
                in_order.push_back(connections.spawn(serve(stream, Arc::clone(&room))));
            }
            // Out of descriptors, or a connection that was gone before it was taken: neither ends the login.
            Err(error) => {
                tracing::debug!(%error, "a connection to the loopback redirect was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one request on a connection of its own.
async fn serve(stream: TcpStream, room: Arc<Room>) {
    let is_farewell = Arc::new(AtomicBool::new(false));
    let service = hyper::service::service_fn(|request| {
        let (room, is_farewell) = (Arc::clone(&room), Arc::clone(&is_farewell));
        async move {
            let (response, farewell) = respond(&room, request).await;
            is_farewell.store(farewell, Ordering::SeqCst);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .max_buf_size(MAX_REQUEST)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the loopback redirect ended early");
    }
    // Only now is the last page out: the port may be closed.
    if is_farewell.load(Ordering::SeqCst) {
        room.farewell_sent.notify_one();
    }
}

/// The response, and whether it is the last page.
///
/// Checked in this order: `Host`, path, method and `Origin`, form, and last the parameters themselves. A
/// request that fails at one of them is told so, learns nothing else, and changes nothing.
async fn respond(room: &Room, request: Request<Incoming>) -> (Response<Full<Bytes>>, bool) {
    let nothing = |status| (Page::Nothing(status).response(), false);
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !room.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
        return nothing(StatusCode::FORBIDDEN);
    }
    let path = request.uri().path();
    if path == room.done_path && room.answered.load(Ordering::SeqCst) {
        return (room.last_page().await.response(), true);
    }
    if path != room.path {
        return nothing(StatusCode::NOT_FOUND);
    }
    let posted = match *request.method() {
        // A page that asks across origins shows itself by its Origin; a navigation has none.
        Method::GET if request.headers().contains_key(header::ORIGIN) => {
            return nothing(StatusCode::FORBIDDEN);
        }
        Method::GET => false,
        Method::POST if is_form(&request) => true,
        Method::POST => return nothing(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        Method::OPTIONS => return nothing(StatusCode::FORBIDDEN),
        _ => return nothing(StatusCode::METHOD_NOT_ALLOWED),
    };
    let parameters = if posted {
        match read_form(request).await {
            Some(form) => form,
            None => return nothing(StatusCode::PAYLOAD_TOO_LARGE),
        }
    } else {
        request.uri().query().unwrap_or_default().to_owned()
    };
    match (room.judge)(&parameters) {
        Ok(answer) => room.take(answer),
        Err(rejection) => {
            // Only news for the person; when they pile up, the first ones are enough.
            let _ = room.arrivals.try_send(Arrival::Refused(rejection));
            return (Page::Refused(rejection).response(), false);
        }
    }
    if posted { (room.last_page().await.response(), true) } else { (see_other(&room.done_path), false) }
}

impl Room {
    /// Hands the answer on, once: a browser may send it twice, and a code is good for one use.
    fn take(&self, answer: AuthorizationResponse) {
        if self.answered.swap(true, Ordering::SeqCst) {
            return;
        }
        let arrivals = self.arrivals.clone();
        tokio::spawn(async move {
            // The receiver is gone when the login was given up meanwhile.
            let _ = arrivals.send(Arrival::Answer(answer)).await;
        });
    }

    /// The page that tells how the login ended, once that is known.
    async fn last_page(&self) -> Page {
        let mut ending = self.ending.clone();
        match ending.wait_for(Option::is_some).await {
            Ok(page) => page.clone().unwrap_or(Page::Failed),
            Err(_) => Page::Failed,
        }
    }
}

/// OAuth 2.0 Form Post Response Mode: the media type in any case, with or without a charset.
fn is_form(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The form, unless it is too large or too slow.
async fn read_form(request: Request<Incoming>) -> Option<String> {
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect();
    let bytes = tokio::time::timeout(REQUEST_TIMEOUT, body).await.ok()?.ok()?.to_bytes();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A free port, on every address that `host` may be taken for.
async fn bind_any(host: RedirectHost) -> Result<(Vec<TcpListener>, u16)> {
    // For localhost the port that IPv4 gives may be taken on IPv6: another one is tried.
    let mut last = None;
    for _ in 0..16 {
        let first = match host {
            RedirectHost::Ipv6 => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
            _ => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let listener = TcpListener::bind(first).await.map_err(|error| cannot_listen(&error))?;
        let port = listener.local_addr().map_err(|error| cannot_listen(&error))?.port();
        if host != RedirectHost::Localhost {
            return Ok((vec![listener], port));
        }
        match bind_ipv6_too(port).await {
            Ok(second) => return Ok((std::iter::once(listener).chain(second).collect(), port)),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| std::io::Error::from(std::io::ErrorKind::AddrInUse));
    Err(cannot_listen(&error))
}

/// That port, on every address that `host` may be taken for.
async fn bind_port(host: RedirectHost, port: u16) -> std::io::Result<Vec<TcpListener>> {
    match host {
        RedirectHost::Ipv4 => Ok(vec![TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?]),
        RedirectHost::Ipv6 => Ok(vec![TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await?]),
        RedirectHost::Localhost => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            Ok(std::iter::once(listener).chain(bind_ipv6_too(port).await?).collect())
        }
    }
}

/// The same port on IPv6; `None` on a machine that has no IPv6 loopback.
async fn bind_ipv6_too(port: u16) -> std::io::Result<Option<TcpListener>> {
    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(None),
    }
}

fn cannot_listen(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("cannot listen on a loopback address: {error}"))
        .with_help("log in with --flow device-code, which needs no listener")
}

fn port_busy(port: u16, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("cannot listen on port {port} of this machine: {error}"))
        .with_help("end the program that holds the port, or register another redirect URI and give it with --redirect-uri")
}

#[cfg(test)]
mod tests;
