//! A vault's beginning, and every way in which its key can be missing.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs;
use std::process::Stdio;

use super::*;
use crate::store::TokenStore;
use crate::store::inspect::{KeyState, inspect};
use crate::store::tests::{again, connection_key, hear, record, role, say};

const SOON: Duration = Duration::from_secs(5);

fn options(home: &Path, key_source: Option<KeySource>) -> VaultOptions {
    VaultOptions { home: home.to_owned(), key_source, passphrase: None }
}

fn file_vault(home: &Path) -> Result<Vault> {
    open_vault(options(home, Some(KeySource::File)))
}

/// Cheap on purpose: in a test build the real cost is seconds.
fn passphrase_vault(home: &Path, passphrase: &str) -> Result<Vault> {
    let passphrase = Some(Secret::new(passphrase));
    let key_source = Some(KeySource::Passphrase);
    open_with_cost(VaultOptions { passphrase, ..options(home, key_source) }, || {
        Argon2Parameters::with_cost(8 * 1024, 1)
    })
}

fn put(vault: &Vault, name: &str) {
    let lock = vault.lock(&connection_key(name), SOON).unwrap();
    vault.put(&lock, &record(name)).unwrap();
}

fn has(vault: &Vault, name: &str) -> bool {
    vault.get(&connection_key(name)).unwrap().is_some()
}

#[test]
fn a_vault_opens_again_with_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    put(&file_vault(&home).unwrap(), "github/work");
    assert!(has(&open_vault(options(&home, None)).unwrap(), "github/work"));
    assert!(has(&file_vault(&home).unwrap(), "github/work"));
}

#[test]
fn two_vaults_have_two_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    file_vault(&one).unwrap();
    file_vault(&two).unwrap();
    for name in ["vault.key", "vault.json"] {
        assert_ne!(fs::read(one.join(name)).unwrap(), fs::read(two.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn eight_processes_that_start_at_once_have_one_key() {
    let test = "eight_processes_that_start_at_once_have_one_key";
    drop(eight_processes(test, module_path!(), KeySource::File));
}

/// Eight processes, each of which runs `test` of `module` again, make a vault at one moment, at `home` in the
/// folder. `None` in those processes.
fn eight_processes(test: &str, module: &str, source: KeySource) -> Option<tempfile::TempDir> {
    if let Some((name, home)) = role() {
        // All are running before one may begin.
        let start = home.with_extension("start");
        say("ready");
        while !start.exists() {
            std::thread::yield_now();
        }
        put(&open_vault(options(&home, Some(source))).unwrap(), &name);
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let names: Vec<String> = (0..8).map(|number| format!("github/p{number}")).collect();
    let mut children: Vec<_> = names
        .iter()
        .map(|name| again(module, test, name, &home).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    children.iter_mut().for_each(|child| hear(child, "ready"));
    fs::write(home.with_extension("start"), "").unwrap();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    // One key sealed them all: had there been two, half of the records would not open.
    let vault = open_vault(options(&home, None)).unwrap();
    for name in &names {
        assert!(has(&vault, name), "{name}");
    }
    Some(folder)
}

#[test]
fn a_vault_keeps_the_source_it_was_made_with() {
    let folder = tempfile::tempdir().unwrap();
    file_vault(folder.path()).unwrap();
    let before = fs::read(folder.path().join("vault.json")).unwrap();
    for other in [KeySource::Keychain, KeySource::Passphrase] {
        let error = open_vault(options(folder.path(), Some(other))).unwrap_err();
        assert_eq!(error.code(), "config_invalid");
        assert!(error.help().contains("set them to file"), "{}", error.help());
    }
    assert_eq!(fs::read(folder.path().join("vault.json")).unwrap(), before);
}

#[test]
fn a_passphrase_opens_what_it_made_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    put(&passphrase_vault(folder.path(), "correct horse").unwrap(), "github/work");
    assert!(has(&passphrase_vault(folder.path(), "correct horse").unwrap(), "github/work"));
    assert!(!folder.path().join("vault.key").exists());

    let error = passphrase_vault(folder.path(), "wrong horse").unwrap_err();
    assert_eq!((error.code(), error.message()), ("store_locked", "the passphrase is wrong"));
    let error = open_vault(options(folder.path(), None)).unwrap_err();
    assert_eq!(error.code(), "store_locked");
    assert!(error.help().contains("TOKENKEEP_PASSPHRASE"));
}

#[test]
fn a_passphrase_must_be_there_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let error = open_vault(options(&home, Some(KeySource::Passphrase))).unwrap_err();
    assert_eq!(error.code(), "store_locked");
    assert_eq!(passphrase_vault(&home, "").unwrap_err().code(), "config_invalid");
    assert!(!home.exists());
}

#[test]
fn a_key_file_that_is_gone_or_wrong_is_named_and_never_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("vault.key");
    put(&file_vault(folder.path()).unwrap(), "github/work");
    let good = fs::read_to_string(&key).unwrap();
    assert_eq!(good.len(), 65);

    fs::remove_file(&key).unwrap();
    for source in [None, Some(KeySource::File)] {
        let error = open_vault(options(folder.path(), source)).unwrap_err();
        assert_eq!(error.code(), "store_locked");
        assert!(
            error.message().contains("vault.key") && error.help().contains("records are kept"),
            "{error}"
        );
    }
    assert!(!key.exists());

    let other = format!("{}\n", "00".repeat(32));
    for (text, code) in
        [(other.as_str(), "store_locked"), (&good[..40], "store_corrupt"), ("", "store_corrupt")]
    {
        PrivateDir::open(folder.path(), Folder::Home)
            .unwrap()
            .unwrap()
            .write("vault.key", text.as_bytes())
            .unwrap();
        let error = file_vault(folder.path()).unwrap_err();
        assert_eq!(error.code(), code, "{text:?}");
        assert!(error.message().contains("vault.key") && !error.message().contains("00000"), "{error}");
        assert_eq!(fs::read_to_string(&key).unwrap(), text);
    }
    // an editor's missing newline is no damage
    fs::write(&key, good.trim_end()).unwrap();
    assert!(has(&file_vault(folder.path()).unwrap(), "github/work"));
}

#[test]
fn sealed_files_without_a_vault_are_never_given_a_new_key() {
    for folder_name in ["records", "registrations"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(folder_name)).unwrap();
        let orphan = folder.path().join(folder_name).join("00112233445566778899aabbccddeeff.sealed");
        fs::write(&orphan, "sealed").unwrap();
        for attempt in [file_vault(folder.path()), passphrase_vault(folder.path(), "horse")] {
            let error = attempt.unwrap_err();
            assert_eq!(error.code(), "store_corrupt");
            assert!(error.message().contains("vault.json") && error.help().contains("mv "), "{error}");
        }
        assert!(!folder.path().join("vault.json").exists() && !folder.path().join("vault.key").exists());
        assert_eq!(fs::read(&orphan).unwrap(), b"sealed");
    }
}

#[test]
fn a_look_makes_no_vault() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    assert!(open_vault_if_any(options(&home, None)).unwrap().is_none());
    assert!(!home.exists());
    put(&file_vault(&home).unwrap(), "github/work");
    assert!(has(&open_vault_if_any(options(&home, None)).unwrap().unwrap(), "github/work"));
    fs::remove_file(home.join("vault.json")).unwrap();
    assert_eq!(open_vault_if_any(options(&home, None)).unwrap_err().code(), "store_corrupt");
}

/// Between "there is no vault" and "there are records" another process may have made both.
#[test]
fn a_look_while_a_vault_is_made_finds_nothing_or_the_vault() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::thread::scope(|scope| {
            let maker = scope.spawn(|| put(&file_vault(&home).unwrap(), "github/work"));
            while !maker.is_finished() {
                open_vault_if_any(options(&home, None)).unwrap();
            }
        });
    }
}

#[test]
fn a_damaged_vault_file_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    put(&file_vault(folder.path()).unwrap(), "github/work");
    let path = folder.path().join("vault.json");
    fs::write(&path, "{").unwrap();
    let error = file_vault(folder.path()).unwrap_err();
    assert_eq!(error.code(), "store_corrupt");
    assert!(error.message().contains("vault.json"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"{");
}

/// Killed after the key and before `vault.json`: the next attempt goes on with that key.
#[test]
fn an_interrupted_beginning_is_carried_on() {
    let folder = tempfile::tempdir().unwrap();
    file_vault(folder.path()).unwrap();
    let key = fs::read(folder.path().join("vault.key")).unwrap();
    fs::remove_file(folder.path().join("vault.json")).unwrap();
    fs::write(folder.path().join(".vault.json.0011223344556677.tmp"), "{\"sch").unwrap();
    put(&file_vault(folder.path()).unwrap(), "github/work");
    assert_eq!(fs::read(folder.path().join("vault.key")).unwrap(), key);
    assert!(has(&open_vault(options(folder.path(), None)).unwrap(), "github/work"));
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_keychain_the_choice_is_the_users() {
    const TEST: &str = "without_a_keychain_the_choice_is_the_users";
    if let Some((_, home)) = role() {
        for source in [None, Some(KeySource::Keychain)] {
            let started = std::time::Instant::now();
            let error = open_vault(options(&home, source)).unwrap_err();
            assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
            assert_eq!(error.code(), "store_locked");
            for way in ["tokenkeep init --key file", "tokenkeep init --key passphrase", "TOKENKEEP_KEY"] {
                assert!(error.help().contains(way), "{way}: {}", error.help());
            }
        }
        assert!(!home.exists());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = again(module_path!(), TEST, "ask", &folder.path().join("home"));
    child.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("XDG_RUNTIME_DIR");
    assert!(child.status().unwrap().success());
}

#[test]
fn a_look_tells_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let state = inspect(&home);
    assert!(matches!(state.key, KeyState::NoVault) && state.files.is_empty() && !home.exists());

    put(&file_vault(&home).unwrap(), "github/work");
    fs::write(home.join("records/x.sealed.corrupt-1"), "").unwrap();
    let state = inspect(&home);
    assert!(matches!(state.key, KeyState::Found), "{:?}", state.key);
    assert_eq!((state.key_source, state.connections, state.registrations), (Some(KeySource::File), 1, 0));
    assert_eq!(state.kept_aside, [home.join("records/x.sealed.corrupt-1")]);
    assert_eq!(state.files.len(), 5);
    assert!(state.files.iter().all(|file| !file.open_to_others), "{:?}", state.files);

    fs::remove_file(home.join("vault.key")).unwrap();
    let state = inspect(&home);
    let KeyState::Missing(error) = state.key else { panic!("{:?}", state.key) };
    assert_eq!(error.code(), "store_locked");

    let home = folder.path().join("asked");
    passphrase_vault(&home, "horse").unwrap();
    assert!(matches!(inspect(&home).key, KeyState::Asked));
}
