//! What a broker is opened with. An option wins over an environment variable, which wins over the default.

use std::path::PathBuf;
use std::time::Duration;

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::store::KeySource;

/// How long another process may hold a connection before a caller is told so: longer than the slowest
/// refresh (30 s) keeps it.
const LOCK_WAIT: Duration = Duration::from_secs(45);

/// What a broker is opened with. The default takes everything from the environment.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The store's folder; else `TOKENKEEP_HOME`, else the platform's data directory.
    pub home: Option<PathBuf>,
    /// Where the vault key is; else `TOKENKEEP_KEY`, else what the store was made with.
    pub key_source: Option<KeySource>,
    /// The passphrase of a store that wants one; else `TOKENKEEP_PASSPHRASE`.
    pub passphrase: Option<Secret>,
    /// How long to wait for a connection that another process holds; else `TOKENKEEP_LOCK_WAIT` in seconds,
    /// else 45 s.
    pub lock_wait: Option<Duration>,
    /// Allows plain http to this machine, for tests; else `TOKENKEEP_INSECURE_LOOPBACK`.
    pub insecure_loopback: bool,
    /// The environment variables.
    pub environment: Environment,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        BrokerOptions {
            home: None,
            key_source: None,
            passphrase: None,
            lock_wait: None,
            insecure_loopback: false,
            environment: Environment::process(),
        }
    }
}

/// The options with nothing left open.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) home: PathBuf,
    pub(super) key_source: Option<KeySource>,
    pub(super) passphrase: Option<Secret>,
    pub(super) lock_wait: Duration,
    pub(super) insecure_loopback: bool,
    pub(super) environment: Environment,
}

impl Settings {
    pub(super) fn resolve(options: BrokerOptions) -> Result<Self> {
        let environment = options.environment;
        let key_source = match (options.key_source, environment.get("TOKENKEEP_KEY")) {
            (Some(source), _) => Some(source),
            (None, Some(name)) => Some(name.parse()?),
            (None, None) => None,
        };
        Ok(Settings {
            home: options.home.map_or_else(|| home(&environment), Ok)?,
            key_source,
            passphrase: options
                .passphrase
                .or_else(|| environment.get("TOKENKEEP_PASSPHRASE").map(Secret::new)),
            lock_wait: options.lock_wait.map_or_else(|| lock_wait(&environment), Ok)?,
            insecure_loopback: options.insecure_loopback
                || environment.switch("TOKENKEEP_INSECURE_LOOPBACK")?,
            environment,
        })
    }
}

fn lock_wait(environment: &Environment) -> Result<Duration> {
    let Some(text) = environment.get("TOKENKEEP_LOCK_WAIT") else { return Ok(LOCK_WAIT) };
    // A day is for ever, and any number of seconds can be added to a clock.
    let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, format!("TOKENKEEP_LOCK_WAIT={text:?} is no number of seconds"))
            .with_help("give whole seconds from 0 to 86400, for instance 10")
    })
}

/// The store's folder: `TOKENKEEP_HOME`, else `tokenkeep` in the platform's data directory.
fn home(environment: &Environment) -> Result<PathBuf> {
    if let Some(home) = environment.path("TOKENKEEP_HOME") {
        return Ok(home);
    }
    let under_home = |rest: &str| environment.path("HOME").map(|home| home.join(rest));
    let data = if cfg!(windows) {
        environment.path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        under_home("Library/Application Support")
    } else {
        // XDG Base Directory: a relative path there is to be ignored.
        let named = environment.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
        named.or_else(|| under_home(".local/share"))
    };
    data.map(|data| data.join("tokenkeep")).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, "there is no home directory to keep the store in")
            .with_help("set TOKENKEEP_HOME to a folder of your own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_wins_over_the_variable_and_the_variable_over_the_default() {
        let environment = Environment::of([
            ("TOKENKEEP_HOME", "/variable"),
            ("HOME", "/home/me"),
            ("TOKENKEEP_KEY", "file"),
        ]);
        let options = BrokerOptions { environment, ..Default::default() };
        let by_variable = Settings::resolve(options.clone()).unwrap();
        assert_eq!(by_variable.home, PathBuf::from("/variable"));
        assert_eq!(by_variable.key_source, Some(KeySource::File));
        let home = Some(PathBuf::from("/option"));
        assert_eq!(
            Settings::resolve(BrokerOptions { home, ..options }).unwrap().home,
            PathBuf::from("/option")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_word_the_store_is_in_the_data_directory() {
        let home = |variables: &[(&str, &str)]| home(&Environment::of(variables.iter().copied()));
        assert_eq!(home(&[("HOME", "/h")]).unwrap(), PathBuf::from("/h/.local/share/tokenkeep"));
        assert_eq!(home(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]).unwrap(), PathBuf::from("/d/tokenkeep"));
        assert_eq!(
            home(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]).unwrap(),
            PathBuf::from("/h/.local/share/tokenkeep")
        );
        assert_eq!(home(&[]).unwrap_err().code(), "config_invalid");
    }

    #[cfg(windows)]
    #[test]
    fn without_a_word_the_store_is_in_the_data_directory() {
        let home = |variables: &[(&str, &str)]| home(&Environment::of(variables.iter().copied()));
        // Not `APPDATA`, which roams to other machines: the key does not.
        let variables =
            [("LOCALAPPDATA", r"C:\Users\me\AppData\Local"), ("APPDATA", r"C:\roaming"), ("HOME", "/h")];
        assert_eq!(home(&variables).unwrap(), PathBuf::from(r"C:\Users\me\AppData\Local\tokenkeep"));
        assert_eq!(home(&variables[1..]).unwrap_err().code(), "config_invalid");
    }

    #[cfg(target_os = "macos")]
    #[test]
    fn without_a_word_the_store_is_in_the_data_directory() {
        let home = |variables: &[(&str, &str)]| home(&Environment::of(variables.iter().copied()));
        let expected = PathBuf::from("/Users/me/Library/Application Support/tokenkeep");
        assert_eq!(home(&[("HOME", "/Users/me"), ("XDG_DATA_HOME", "/d")]).unwrap(), expected);
        assert_eq!(home(&[]).unwrap_err().code(), "config_invalid");
    }
}
