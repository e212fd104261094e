//! The sockets: loopback only, one port for both address families, plain or TLS.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::dispatch::serve;
use crate::options::Host;
use crate::shared::Shared;

/// How often another port is tried when ::1 has the kernel's choice taken already.
const ATTEMPTS: usize = 20;

/// Binds before anybody is told the port, so that nobody else can answer on it.
pub(crate) fn bind(host: Host, port: u16) -> io::Result<(Vec<StdListener>, u16)> {
    let mut last = io::Error::from(ErrorKind::AddrInUse);
    for _ in 0..ATTEMPTS {
        let ipv4 = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let bound = ipv4.local_addr()?.port();
        let mut listeners = vec![ipv4];
        if host == Host::Localhost {
            match StdListener::bind((Ipv6Addr::LOCALHOST, bound)) {
                Ok(ipv6) => listeners.push(ipv6),
                Err(error) if error.kind() == ErrorKind::AddrInUse && port == 0 => {
                    last = error;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
                // No IPv6 on this machine.
                Err(_) => {}
            }
        }
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        return Ok((listeners, bound));
    }
    Err(last)
}

/// Accepts until the runtime ends.
pub(crate) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        // An accept fails for the sake of one connection, or for want of file descriptors: a little later it may do.
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(connection(stream, tls.clone(), shared.clone()));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // Answers are small and someone waits for each.
    stream.set_nodelay(true).unwrap_or_default();
    match tls {
        None => http(stream, shared).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                http(stream, shared).await;
            }
        }
    }
}

async fn http(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(move |request| serve(shared.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // A client may write in lower case, but what it reads is what most servers write.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // An error here is a client that went away, or a fault that wanted it.
    served.unwrap_or_default();
}
