//! Where a token may go: the hosts of an API.
//!
//! A client is handed addresses by others: a `nextLink`, a redirect, a link in a mail. A token goes to the hosts that
//! its program named, and to no other. Whoever asks gives the scheme, host and port that the request will be sent to,
//! as its own HTTP client has them: two parsers of one URL may read two hosts.

use std::fmt;

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// The hosts that a token may be sent to. `graph.microsoft.com` is that host; `*.sharepoint.com` is any host under it;
/// `127.0.0.1:8080` names the port too, which is else the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    host: Host,
    below: bool,
    port: Option<u16>,
}

impl AllowedHosts {
    /// These hosts, each `host`, `*.host`, `host:port` or `*.host:port`.
    ///
    /// # Errors
    /// `config_invalid` for what is no host, for a whole URL among them, and for none at all.
    pub fn parse<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Result<Self> {
        let patterns =
            hosts.into_iter().map(|host| Pattern::parse(host.as_ref())).collect::<Result<Vec<_>>>()?;
        if patterns.is_empty() {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                "no host is named that the token may be sent to",
            )
            .with_help(HELP));
        }
        Ok(AllowedHosts(patterns))
    }

    /// The host of `url`, with its port.
    ///
    /// # Errors
    /// `config_invalid` for what has none.
    pub(crate) fn of_url(url: &str) -> Result<Self> {
        let parsed = Url::parse(url).ok();
        let host = parsed.as_ref().and_then(Url::host_str).ok_or_else(|| no_host(url))?;
        let port = parsed.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
        Self::parse([format!("{host}{port}")])
    }

    /// Each as [`AllowedHosts::parse`] reads it.
    pub fn hosts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Pattern::to_string)
    }

    /// True when a request with the token may be sent there: by https, or by http to this machine. `port` is
    /// absent when it is the scheme's own.
    pub fn allow(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Some(host) = parse_host(host) else { return false };
        let own_port = match scheme {
            "https" => 443,
            "http" if is_loopback(&host) => 80,
            _ => return false,
        };
        let port = port.unwrap_or(own_port);
        self.0.iter().any(|pattern| pattern.matches(&host) && pattern.port.unwrap_or(own_port) == port)
    }

    /// The same for whoever sends nothing at all to another host.
    ///
    /// # Errors
    /// `config_invalid` where [`AllowedHosts::allow`] is false.
    pub fn require(&self, scheme: &str, host: &str, port: Option<u16>) -> Result<()> {
        if self.allow(scheme, host, port) {
            return Ok(());
        }
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("the token may not be sent to {:?}", format!("{scheme}://{host}{port}")),
        )
        .with_help(
            "a token goes to the allowed hosts alone, by https, or by http to this machine; if this one is to \
             have it, add it to them",
        ))
    }
}

const HELP: &str = "name each as graph.microsoft.com, *.sharepoint.com or 127.0.0.1:8080";

fn no_host(text: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a host that a token may be sent to"))
        .with_help(HELP)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pattern { host, below, port } = self;
        write!(f, "{}{host}", if *below { "*." } else { "" })?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let none = || no_host(text);
        let (below, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        // What follows the last colon is a port, unless that colon is inside an IPv6 address.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().map_err(|_| none())?)),
            _ => (rest, None),
        };
        let host = parse_host(host).filter(|_| !host.contains('*')).ok_or_else(none)?;
        // Everything under a top-level domain is nobody's host.
        let too_wide = below && !matches!(&host, Host::Domain(domain) if domain.contains('.'));
        if too_wide { Err(none()) } else { Ok(Pattern { host, below, port }) }
    }

    fn matches(&self, host: &Host) -> bool {
        match (&self.host, host) {
            (Host::Domain(own), Host::Domain(asked)) if self.below => {
                asked.strip_suffix(own.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (own, asked) => !self.below && own == asked,
        }
    }
}

/// A host in the one form that can be compared: lower case, international names in ASCII, addresses as numbers.
fn parse_host(text: &str) -> Option<Host> {
    let bare_ipv6 = text.parse::<std::net::Ipv6Addr>().ok().map(Host::Ipv6);
    bare_ipv6.or_else(|| Host::parse(text).ok())
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(domain) => domain == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_the_hosts_that_were_named() {
        let hosts = AllowedHosts::parse([
            "graph.microsoft.com",
            "*.SharePoint.com",
            "127.0.0.1:8080",
            "[::1]:8080",
            "m\u{fc}nchen.example:8443",
        ])
        .unwrap();
        for (scheme, host, port) in [
            ("https", "graph.microsoft.com", None),
            ("https", "Graph.Microsoft.Com", Some(443)),
            ("https", "contoso.sharepoint.com", None),
            ("https", "a.b.sharepoint.com", None),
            ("http", "127.0.0.1", Some(8080)),
            ("https", "127.0.0.1", Some(8080)),
            ("http", "::1", Some(8080)),
            ("http", "[::1]", Some(8080)),
            ("https", "xn--mnchen-3ya.example", Some(8443)),
        ] {
            assert!(hosts.allow(scheme, host, port), "{scheme} {host} {port:?}");
            assert!(hosts.require(scheme, host, port).is_ok(), "{scheme} {host} {port:?}");
        }
        for (scheme, host, port) in [
            ("http", "graph.microsoft.com", None),
            ("ftp", "graph.microsoft.com", None),
            ("https", "graph.microsoft.com", Some(8443)),
            ("https", "graph.microsoft.com.attacker.example", None),
            ("https", "graph.microsoft.com.", None),
            ("https", "attackergraph.microsoft.com", None),
            ("https", "sharepoint.com", None),
            ("https", ".sharepoint.com", None),
            ("https", "attackersharepoint.com", None),
            ("https", "sharepoint.com.attacker.example", None),
            ("http", "contoso.sharepoint.com", None),
            ("http", "127.0.0.1", None),
            ("http", "127.0.0.1", Some(8081)),
            ("http", "localhost", Some(8080)),
            ("https", "", None),
            ("https", "graph.microsoft.com/evil", None),
            ("https", "evil@graph.microsoft.com", None),
        ] {
            assert!(!hosts.allow(scheme, host, port), "{scheme} {host} {port:?}");
            let refused = hosts.require(scheme, host, port).unwrap_err();
            assert_eq!(refused.code(), "config_invalid", "{scheme} {host} {port:?}");
        }
    }

    #[test]
    fn what_was_named_can_be_named_again() {
        let named = ["graph.microsoft.com", "*.sharepoint.com:8443", "127.0.0.1:8080", "[::1]:8080"];
        let hosts = AllowedHosts::parse(named).unwrap();
        assert_eq!(hosts.hosts().collect::<Vec<_>>(), named);
        assert_eq!(AllowedHosts::parse(hosts.hosts()).unwrap(), hosts);
    }

    #[test]
    fn the_host_of_an_address_is_all_of_it_that_counts() {
        for (url, host) in [
            ("https://mcp.example/mcp?a=b", "mcp.example"),
            ("https://mcp.example:443", "mcp.example"),
            ("https://mcp.example:8443/", "mcp.example:8443"),
            ("http://[::1]:8080/mcp", "[::1]:8080"),
        ] {
            assert_eq!(AllowedHosts::of_url(url).unwrap(), AllowedHosts::parse([host]).unwrap(), "{url}");
        }
        for bad in ["mcp.example", "urn:acme", ""] {
            assert_eq!(AllowedHosts::of_url(bad).unwrap_err().code(), "config_invalid", "{bad}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "",
            "*",
            "*.",
            "*.com",
            "a.*.example",
            "*.*.example",
            "*.127.0.0.1",
            "https://graph.microsoft.com",
            "a b",
            "host:",
            "host:x",
        ] {
            assert_eq!(AllowedHosts::parse([bad]).unwrap_err().code(), "config_invalid", "{bad}");
        }
        assert_eq!(AllowedHosts::parse::<&str>([]).unwrap_err().code(), "config_invalid");
    }
}
