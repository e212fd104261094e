//! `tokenkeep list`: all connections. What cannot be read is said, and hides none of the others. With `--watch`, a line
//! for each change of them.

use serde::Serialize;
use tokenkeep::{Connection, ConnectionChange};

use super::Invocation;
use crate::args::ListArgs;
use crate::exit::{Failure, exit_code, report};
use crate::output::{ConnectionView, data, expiry, json, printable, say, table, warn_of_credential};

/// A change, as `--json` shows it.
#[derive(Serialize)]
struct ChangeView<'a> {
    kind: &'static str,
    connection: ConnectionView<'a>,
}

pub fn run(invocation: &Invocation, args: &ListArgs) -> Result<(), Failure> {
    if args.watch { watch(invocation) } else { list(invocation) }
}

/// Prints changes until a signal, or a line that nobody takes, ends it.
fn watch(invocation: &Invocation) -> Result<(), Failure> {
    let mut changes = invocation.broker.connection_changes();
    let printing = async {
        loop {
            if let Err(failure) = print(invocation, &changes.next().await?) {
                return Ok(failure);
            }
        }
    };
    invocation.wait(printing, Err)
}

fn print(invocation: &Invocation, change: &ConnectionChange) -> Result<(), Failure> {
    let (kind, connection) = (change.kind.as_str(), &change.connection);
    if invocation.json {
        return json(&ChangeView { kind, connection: connection.into() });
    }
    data(&format!("{kind:11}  {}", row(connection).join("  ")))
}

fn list(invocation: &Invocation) -> Result<(), Failure> {
    let all = invocation.broker.connections()?;
    if invocation.json {
        json(&all.connections.iter().map(ConnectionView::from).collect::<Vec<_>>())?;
    } else if !all.connections.is_empty() {
        let rows: Vec<_> = all.connections.iter().map(row).collect();
        data(&table(&["PROVIDER", "CONNECTION", "STATUS", "ACCOUNT", "EXPIRES", "SCOPES"], &rows))?;
    } else if all.damaged.is_empty() {
        say(
            "There are no connections yet. Log in with `tokenkeep login PROVIDER`; `tokenkeep providers` lists them.",
        );
    }
    all.connections.iter().for_each(warn_of_credential);
    for error in &all.damaged {
        report(error, invocation.json);
    }
    all.damaged.first().map_or(Ok(()), |first| Err(Failure::Reported(exit_code(first.code()))))
}

fn row(connection: &Connection) -> Vec<String> {
    let account = &connection.account;
    let application = connection.application.then_some(&connection.client_id);
    let name = account.username.as_ref().or(account.subject.as_ref()).or(application);
    vec![
        connection.key.provider.to_string(),
        connection.key.connection.to_string(),
        connection.status().to_owned(),
        name.map_or_else(|| "-".to_owned(), |name| printable(name)),
        expiry(connection.expires_at),
        connection.granted_scopes.to_string(),
    ]
}
