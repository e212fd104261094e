//! Whether a redirect URI is one of the client's (RFC 6749, section 3.1.2.3; RFC 8252, section 7).

use url::{Host, Url};

use crate::options::Dialect;
use crate::refusal::Refusal;
use crate::registered_client::RegisteredClient;

/// What the URIs of a client are measured by that registered none.
pub(crate) struct Unregistered<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) paths: &'a [String],
}

/// The URI of an authorization request, if it is one of the client's. Who registered none gets loopback with a path of
/// the server's choice: `localhost` alone in the Entra dialect.
pub(crate) fn check(
    client: &RegisteredClient,
    unregistered: &Unregistered<'_>,
    redirect_uri: &str,
) -> Result<Url, Refusal> {
    let url = Url::parse(redirect_uri).map_err(|_| Refusal::RedirectUriInvalid)?;
    let known = match &client.redirect_uris {
        Some(known) => {
            known.iter().any(|known| known == redirect_uri || (client.native && differs_in_port(known, &url)))
        }
        None => {
            let path = unregistered.paths.iter().any(|path| path == url.path());
            let named = unregistered.dialect == Dialect::Plain || url.host_str() == Some("localhost");
            path && named && is_loopback(&url)
        }
    };
    if known { Ok(url) } else { Err(Refusal::RedirectUriInvalid) }
}

/// May a client register it? Https anywhere, or what only the client's own machine can answer: http on loopback, a
/// scheme of its own (RFC 8252, section 7.1: with a dot in it). Never with a fragment.
pub(crate) fn may_be_registered(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| {
        let own_scheme = url.scheme().contains('.');
        url.fragment().is_none() && (url.scheme() == "https" || own_scheme || is_loopback(&url))
    })
}

/// "The authorization server MUST allow any port to be specified at the time of the request" (RFC 8252, section 7.3).
fn differs_in_port(known: &str, url: &Url) -> bool {
    let Ok(mut known) = Url::parse(known) else { return false };
    is_loopback(&known) && known.set_port(url.port()).is_ok() && known == *url
}

/// Plain http to this machine, without a word for anybody else.
fn is_loopback(url: &Url) -> bool {
    let host = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    host && url.scheme() == "http" && url.username().is_empty() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known(client: &RegisteredClient, dialect: Dialect, redirect_uri: &str) -> bool {
        let paths = ["/callback".to_owned()];
        check(client, &Unregistered { dialect, paths: &paths }, redirect_uri).is_ok()
    }

    #[test]
    fn loopback_for_who_registered_nothing() {
        let client = RegisteredClient::public("c");
        for (redirect_uri, plain, entra) in [
            ("http://127.0.0.1:1/callback", true, false),
            ("http://[::1]:2/callback", true, false),
            ("http://localhost:3/callback", true, true),
            ("http://localhost:3/other", false, false),
            ("https://localhost:3/callback", false, false),
            ("http://evil.example/callback", false, false),
            ("http://me@localhost/callback", false, false),
            ("http://localhost/callback#x", false, false),
            ("callback", false, false),
        ] {
            assert_eq!(is_known(&client, Dialect::Plain, redirect_uri), plain, "{redirect_uri}");
            assert_eq!(is_known(&client, Dialect::Entra, redirect_uri), entra, "{redirect_uri}");
        }
    }

    #[test]
    fn a_native_client_may_be_at_any_port() {
        let uris = ["http://127.0.0.1/callback", "https://app.example/callback", "com.example.app:/callback"];
        let redirect_uris = Some(uris.map(Into::into).to_vec());
        let web = RegisteredClient { redirect_uris, ..RegisteredClient::public("c") };
        let native = RegisteredClient { native: true, ..web.clone() };
        for (redirect_uri, by_native, by_web) in [
            ("http://127.0.0.1/callback", true, true),
            ("http://127.0.0.1:8400/callback", true, false),
            ("http://localhost:8400/callback", false, false),
            ("http://127.0.0.1:8400/", false, false),
            ("http://127.0.0.1:8400/callback?x=1", false, false),
            ("https://app.example/callback", true, true),
            ("https://app.example:8443/callback", false, false),
            ("com.example.app:/callback", true, true),
        ] {
            assert_eq!(is_known(&native, Dialect::Plain, redirect_uri), by_native, "{redirect_uri}");
            assert_eq!(is_known(&web, Dialect::Plain, redirect_uri), by_web, "{redirect_uri}");
        }
    }

    #[test]
    fn what_cannot_be_registered() {
        for (redirect_uri, good) in [
            ("https://app.example/callback", true),
            ("http://localhost/callback", true),
            ("com.example.app:/callback", true),
            ("http://app.example/callback", false),
            ("https://app.example/callback#x", false),
            ("app:/callback", false),
            ("/callback", false),
        ] {
            assert_eq!(may_be_registered(redirect_uri), good, "{redirect_uri}");
        }
    }
}
