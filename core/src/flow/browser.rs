//! Opens the person's browser (RFC 8252 8.12: the system's, never an embedded one). The URL travels as one
//! argument and never through a shell.

use std::process::{Command, Stdio};

use url::Url;

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

/// Between the commands of a list. On Windows a path has a colon in it.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Opens `url` with `command` (words separated by spaces; the URL is appended), else with what
/// `$BROWSER` names (a list separated as `PATH` is, tried in order), else with the system's own opener.
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
        (None, Some(list)) => list.split(SEPARATOR).map(words).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests that are run again as a browser.
    const URL_TEST: &str = "the_url_is_one_argument_whatever_is_in_it";
    const LIST_TEST: &str = "the_browser_variable_is_a_list";
    const MARK: &str = "the-record-is";

    /// This program as a browser: it runs the test that calls it, with `record` and the URL as two more
    /// arguments. They match no test, and `be_the_browser` writes down what comes after `record`. The test goes
    /// without its module, whose colons would take a list apart.
    fn browser(test: &str, record: &std::path::Path) -> String {
        let program = std::env::current_exe().unwrap();
        format!("{} {test} --nocapture {MARK} {}", program.display(), record.display())
    }

    /// True in the process that was started as a browser.
    fn be_the_browser() -> bool {
        let mut arguments = std::env::args().skip_while(|argument| argument != MARK).skip(1);
        let Some(record) = arguments.next().map(std::path::PathBuf::from) else { return false };
        let new = record.with_extension("new");
        std::fs::write(&new, arguments.collect::<Vec<_>>().join("\n")).unwrap();
        std::fs::rename(new, record).unwrap();
        true
    }

    fn wait_for(path: &std::path::Path) -> String {
        for _ in 0..1000 {
            if let Ok(text) = std::fs::read_to_string(path) {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the browser was not started");
    }

    #[test]
    fn the_url_is_one_argument_whatever_is_in_it() {
        if be_the_browser() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        let nothing = Environment::of::<&str, &str>([]);
        let url = Url::parse("https://a.example/?x=$(touch%20y)&%PATH%&q='\";--flag`id`^|<>").unwrap();
        open_browser(&url, Some(&browser(URL_TEST, &record)), &nothing).unwrap();
        assert_eq!(wait_for(&record), url.as_str());
    }

    #[test]
    fn the_browser_variable_is_a_list() {
        if be_the_browser() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        let list = format!("/nonexistent/browser{SEPARATOR}{}", browser(LIST_TEST, &record));
        let environment = Environment::of([("BROWSER", list)]);
        open_browser(&Url::parse("https://a.example/").unwrap(), None, &environment).unwrap();
        assert_eq!(wait_for(&record), "https://a.example/");
    }

    /// A program whose path has a space in it needs no quotes.
    #[test]
    fn a_file_is_one_word() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a browser").display().to_string();
        assert_eq!(words(&program).len(), 2);
        std::fs::write(&program, "").unwrap();
        assert_eq!(words(&program), [program]);
    }

    #[test]
    fn only_web_addresses_are_opened() {
        let nothing = Environment::of::<&str, &str>([]);
        let error =
            open_browser(&Url::parse("file:///etc/passwd").unwrap(), Some("true"), &nothing).unwrap_err();
        assert_eq!(error.code(), "unsupported");
    }
}
