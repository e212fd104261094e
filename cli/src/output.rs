//! Standard output is data, standard error is talk. Every print goes through here.
//!
//! A name from a server may hold terminal escapes: what is shown as text goes through [`printable`].

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokenkeep::{Connection, Environment, ErrorKind, HeldToken, ScopeSet, Timestamp};

use crate::exit::Failure;

/// Writes one line of data.
pub fn data(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    // Flushed at once: a failure found at the exit would go unsaid.
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Writes one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    match serde_json::to_string(value) {
        Ok(line) => data(&line),
        Err(error) => Err(Failure::own(
            ErrorKind::Internal,
            format!("no JSON could be made: {error}"),
            "please report it",
        )),
    }
}

/// Says one line to the person. Nobody listening is no reason to fail.
pub fn say(line: impl Display) {
    // In one write: lines of processes that run side by side do not mix.
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// The same in bold, where that shows.
pub fn say_bold(line: impl Display) {
    let environment = Environment::process();
    // https://no-color.org, which this goes beyond: bold is no colour.
    let plain =
        environment.get("NO_COLOR").is_some() || environment.get("TERM").is_none_or(|term| term == "dumb");
    if io::stderr().is_terminal() && !plain {
        say(format_args!("\x1b[1m{line}\x1b[0m"));
    } else {
        say(line);
    }
}

/// Text from elsewhere, fit for a terminal and for one line.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Rows under a heading, their columns aligned; the last column is as long as it is.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|title| (*title).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    let width =
        |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..heading.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &&Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// RFC 3339, in UTC. It has four digits for a year: what lies beyond is its last second.
pub fn rfc3339(at: Timestamp) -> String {
    const DAY: i64 = 86400;
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    let seconds = at.as_unix().clamp(0, LAST);
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let (mut year, mut days) = (1970, seconds / DAY);
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

/// When a token ends, for people.
pub fn expiry(expires_at: Option<Timestamp>) -> String {
    expires_at.map_or_else(|| "never".to_owned(), |at| from_now(at.seconds_since(now())))
}

/// Says in time that the secret or the certificate that a connection needs will end.
pub fn warn_of_credential(connection: &Connection) {
    if let Some(warning) = connection.credential_warning(now()) {
        say(format_args!("warning: {warning}"));
    }
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    Timestamp::from_unix(i64::try_from(now).unwrap_or(i64::MAX))
}

fn from_now(seconds: i64) -> String {
    match seconds {
        ..=0 => "expired".to_owned(),
        1..=119 => format!("in {seconds} s"),
        120..=7199 => format!("in {} min", seconds / 60),
        7200..=172_799 => format!("in {} h", seconds / 3600),
        _ => format!("in {} days", seconds / 86400),
    }
}

/// A connection, as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct ConnectionView<'a> {
    provider: &'a str,
    connection: &'a str,
    status: &'static str,
    reason: Option<&'static str>,
    account: AccountView<'a>,
    scopes: Vec<&'a str>,
    requested_scopes: Vec<&'a str>,
    missing_scopes: Vec<&'a str>,
    expires_at: Option<String>,
    resources: Vec<&'a str>,
    access_tokens: Vec<HeldTokenView<'a>>,
    has_refresh_token: bool,
    application: bool,
    credential_expires_at: Option<String>,
    client_capabilities: &'a [String],
    client_id: &'a str,
    issuer: Option<&'a str>,
    resource: Option<&'a str>,
    values: &'a std::collections::BTreeMap<String, String>,
    api_hosts: &'a [String],
    dpop: bool,
    tenant: Option<&'a str>,
    logged_in_at: String,
    refreshed_at: Option<String>,
}

/// What a connection holds for one resource.
#[derive(Debug, Serialize)]
struct HeldTokenView<'a> {
    resource: Option<&'a str>,
    scopes: Vec<&'a str>,
    expires_at: Option<String>,
}

/// Whose connection it is.
#[derive(Debug, Serialize)]
struct AccountView<'a> {
    username: Option<&'a str>,
    subject: Option<&'a str>,
    tenant_id: Option<&'a str>,
    object_id: Option<&'a str>,
    home_account_id: Option<&'a str>,
    guest: bool,
}

impl<'a> From<&'a Connection> for ConnectionView<'a> {
    fn from(connection: &'a Connection) -> Self {
        let account = &connection.account;
        ConnectionView {
            provider: connection.key.provider.as_str(),
            connection: connection.key.connection.as_str(),
            status: connection.status(),
            reason: connection.login_required.map(|reason| reason.as_str()),
            account: AccountView {
                username: account.username.as_deref(),
                subject: account.subject.as_deref(),
                tenant_id: account.tenant_id.as_deref(),
                object_id: account.object_id.as_deref(),
                home_account_id: account.home_account_id.as_deref(),
                guest: account.is_guest(),
            },
            scopes: words(&connection.granted_scopes),
            requested_scopes: words(&connection.requested_scopes),
            missing_scopes: words(&connection.missing_scopes),
            expires_at: connection.expires_at.map(rfc3339),
            resources: connection
                .access_tokens
                .iter()
                .filter_map(|token| token.resource.as_deref())
                .collect(),
            access_tokens: connection.access_tokens.iter().map(HeldTokenView::from).collect(),
            has_refresh_token: connection.has_refresh_token,
            application: connection.application,
            credential_expires_at: connection.credential_expires_at.map(rfc3339),
            client_capabilities: &connection.client_capabilities,
            client_id: &connection.client_id,
            issuer: connection.issuer.as_deref(),
            resource: connection.resource.as_deref(),
            values: &connection.values,
            api_hosts: &connection.api_hosts,
            dpop: connection.dpop,
            tenant: connection.tenant.as_deref(),
            logged_in_at: rfc3339(connection.logged_in_at),
            refreshed_at: connection.refreshed_at.map(rfc3339),
        }
    }
}

impl<'a> From<&'a HeldToken> for HeldTokenView<'a> {
    fn from(token: &'a HeldToken) -> Self {
        HeldTokenView {
            resource: token.resource.as_deref(),
            scopes: words(&token.scopes),
            expires_at: token.expires_at.map(rfc3339),
        }
    }
}

/// Scopes as JSON has them.
pub fn words(scopes: &ScopeSet) -> Vec<&str> {
    scopes.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        // GNU date -u -d @N +%FT%TZ
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
            (-1, "1970-01-01T00:00:00Z"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(rfc3339(Timestamp::from_unix(seconds)), expected);
        }
    }

    #[test]
    fn an_expiry_reads_as_people_say_it() {
        let cases = [
            (i64::MIN, "expired"),
            (0, "expired"),
            (1, "in 1 s"),
            (119, "in 119 s"),
            (120, "in 2 min"),
            (3599, "in 59 min"),
            (7200, "in 2 h"),
            (172_800, "in 2 days"),
            (i64::MAX, "in 106751991167300 days"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(from_now(seconds), expected);
        }
        assert_eq!(expiry(None), "never");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["é".to_owned(), "b".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(table(&["A", "B"], &rows), "A     B\né     b\nlong");
    }

    #[test]
    fn no_escape_reaches_a_terminal() {
        assert_eq!(printable("a\x1b[31m\nb\u{9b}c"), "a\u{fffd}[31m\u{fffd}b\u{fffd}c");
    }
}
