//! `tokenkeep export`: a fresh access token as an environment variable. Never the refresh token.

use std::collections::BTreeMap;

use tokenkeep::{AccessToken, ErrorKind, TokenOptions};

use super::Invocation;
use crate::args::{ExportArgs, ExportFormat};
use crate::exit::Failure;
use crate::output::{data, json};

pub fn run(invocation: &Invocation, args: &ExportArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    let format = match (args.format, invocation.json) {
        (Some(format), _) => format,
        (None, true) => ExportFormat::Json,
        (None, false) => {
            let message = "--format is missing".to_owned();
            return Err(Failure::Usage { message, help: "it is one of env, shell, json".to_owned() });
        }
    };
    let variable = invocation.broker.provider(&key.provider)?.access_token_variable;
    let resource = args.connection.resource.clone();
    let options = TokenOptions { connection: key.connection, resource, ..TokenOptions::default() };
    let print = |token: AccessToken| print(format, &variable, token.secret.expose());
    if let Some(token) = invocation.broker.cached_token(&key.provider, &options)? {
        return print(token);
    }
    invocation.wait(invocation.broker.token(&key.provider, &options), print)
}

fn print(format: ExportFormat, variable: &str, token: &str) -> Result<(), Failure> {
    match format {
        ExportFormat::Json => json(&BTreeMap::from([(variable, token)])),
        ExportFormat::Shell => data(&format!("export {variable}={}", shell_quoted(token))),
        // Such a file has no quoting that all its readers know.
        ExportFormat::Env if token.chars().any(char::is_control) => {
            let message = "the access token holds a line break, which an env file cannot carry";
            Err(Failure::own(ErrorKind::Unsupported, message, "use --format shell or --format json"))
        }
        ExportFormat::Env => data(&format!("{variable}={token}")),
    }
}

/// POSIX 2.2.2: between single quotes everything stands for itself, save the single quote.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_shell_gives_back_what_was_quoted() {
        let nasty = "it's \"$(touch x)\" `id` \\ !! \n %s ''end'";
        assert_eq!(shell_quoted("a'b"), r"'a'\''b'");
        let script = format!("printf %s {}", shell_quoted(nasty));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), nasty);
    }

    #[test]
    fn an_env_file_gets_no_second_line() {
        let failure = print(ExportFormat::Env, "TOKEN", "a\nLD_PRELOAD=x").unwrap_err();
        assert_eq!(failure.exit_code(), crate::exit::exit_code("unsupported"));
    }
}
