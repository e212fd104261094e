//! Opens the person's browser (RFC 8252 8.12: the system's, never an embedded one). The URL travels as one
//! argument and never through a shell.

use std::process::{Command, Stdio};

use url::Url;

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

/// Opens `url` with `command` (words separated by spaces; the URL is appended), else with what
/// `$BROWSER` names (a list separated by `:`, tried in order), else with the system's own opener.
/// Says which program was started; whether a window appears, nobody can know.
///
/// # Errors
/// `unsupported` when none could be started, or when `url` is not a web address.
pub fn open_browser(url: &Url, command: Option<&str>, environment: &Environment) -> Result<String> {
    // A file: or data: URL from a provider's answer is not for a browser to open.
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("a browser is not given a {} URL", url.scheme()),
        ));
    }
    let candidates = match (command, environment.get("BROWSER")) {
        (Some(command), _) => vec![words(command)],
        (None, Some(list)) => list.split(':').map(words).collect(),
        (None, None) => system_openers(),
    };
    let mut failures = Vec::new();
    for words in candidates {
        let Some((program, arguments)) = words.split_first() else { continue };
        match start(program, arguments, url, environment) {
            Ok(()) => return Ok(program.clone()),
            Err(error) => failures.push(format!("{program}: {error}")),
        }
    }
    let tried = if failures.is_empty() { "none is known".to_owned() } else { failures.join("; ") };
    Err(Error::new(ErrorKind::Unsupported, format!("no browser could be started ({tried})"))
        .with_help("open the URL by hand, or log in with --flow device-code"))
}

/// Starts the program and leaves it to itself.
fn start(program: &str, arguments: &[String], url: &Url, environment: &Environment) -> std::io::Result<()> {
    let mut command = Command::new(program);
    for name in environment.secret_names() {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .arg(url.as_str())
        // A browser that prints would spoil what a script reads from us.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Somebody has to collect the child when it ends, or it stays as a zombie in a long-lived host.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// A command's words. There are no quotes: who needs them writes a script and names it.
fn words(command: &str) -> Vec<String> {
    // A path with a space in it is one word when it names a file.
    if std::path::Path::new(command).is_file() {
        return vec![command.to_owned()];
    }
    command.split_whitespace().map(str::to_owned).collect()
}

/// What opens a web address here, best first.
fn system_openers() -> Vec<Vec<String>> {
    let openers: &[&[&str]] = if cfg!(target_os = "macos") {
        &[&["open"]]
    } else if cfg!(windows) {
        // `start` would need cmd, which is a shell; this takes one argument as it is.
        &[&["rundll32", "url.dll,FileProtocolHandler"]]
    } else {
        &[&["xdg-open"], &["wslview"], &["gio", "open"], &["x-www-browser"]]
    };
    openers.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    /// A program that writes down its arguments. It is written by a process of its own: one that this process
    /// had open for writing could not be started while another test's child still holds a copy.
    fn recorder(folder: &std::path::Path) -> (String, std::path::PathBuf) {
        let (program, record) = (folder.join("a browser"), folder.join("arguments"));
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > '{0}.new'; mv '{0}.new' '{0}'\n",
            record.display()
        );
        let write = "printf %s \"$2\" >\"$1\" && chmod 755 \"$1\"";
        let written =
            Command::new("sh").args(["-c", write, "sh"]).arg(&program).arg(script).status().unwrap();
        assert!(written.success());
        (program.display().to_string(), record)
    }

    fn wait_for(path: &std::path::Path) -> String {
        for _ in 0..500 {
            if let Ok(text) = std::fs::read_to_string(path) {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the browser was not started");
    }

    #[test]
    fn the_url_is_one_argument_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let (program, record) = recorder(folder.path());
        let nothing = Environment::of::<&str, &str>([]);
        let url = Url::parse("https://a.example/?x=$(touch%20y)&q='\";--flag`id`").unwrap();
        open_browser(&url, Some(&program), &nothing).unwrap();
        assert_eq!(wait_for(&record), format!("1\n{url}\n"));
    }

    #[test]
    fn the_browser_variable_is_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let (program, record) = recorder(folder.path());
        let environment = Environment::of([("BROWSER", format!("/nonexistent/browser:{program}"))]);
        open_browser(&Url::parse("https://a.example/").unwrap(), None, &environment).unwrap();
        assert_eq!(wait_for(&record), "1\nhttps://a.example/\n");
    }

    #[test]
    fn only_web_addresses_are_opened() {
        let nothing = Environment::of::<&str, &str>([]);
        let error =
            open_browser(&Url::parse("file:///etc/passwd").unwrap(), Some("true"), &nothing).unwrap_err();
        assert_eq!(error.code(), "unsupported");
    }
}
