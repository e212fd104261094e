//! Who may read the files of a vault, on Unix.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_a_vault_is_made_of_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    put(&file_vault(&home).unwrap(), "github/work");
    for name in ["vault.json", "vault.key"] {
        assert_eq!(mode(&home.join(name)), 0o600, "{name}");
    }
    for file in &inspect(&home).files {
        let expected = if file.path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!((file.mode, file.open_to_others), (Some(expected), false), "{file:?}");
    }
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(inspect(&home).files[0].open_to_others);
}

#[test]
fn a_key_file_that_others_could_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("vault.key");
    file_vault(folder.path()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = file_vault(folder.path()).unwrap_err();
    assert_eq!(error.code(), "store_unavailable");
    assert!(error.help().contains("chmod 600"), "{}", error.help());
    assert_eq!(mode(&key), 0o640);
}
