//! A vault whose key is in the Credential Manager.

use super::*;

/// Takes the item away again, whatever became of the test.
struct Item(String);

impl Item {
    fn of(home: &Path) -> Self {
        let home = PrivateDir::open(home, Folder::Home).unwrap().unwrap();
        Item(VaultFile::read(&home).unwrap().unwrap().id)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        // Gone already where the test took it away.
        let _ = keychain::delete(&self.0);
    }
}

#[test]
fn a_vault_keeps_its_key_in_the_credential_manager() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    put(&open_vault(options(&home, None)).unwrap(), "github/work");
    let item = Item::of(&home);
    assert!(!home.join("vault.key").exists());
    assert!(has(&open_vault(options(&home, None)).unwrap(), "github/work"));

    assert!(keychain::delete(&item.0).unwrap());
    let error = open_vault(options(&home, None)).unwrap_err();
    assert_eq!(error.code(), "store_locked");
    assert!(error.message().contains(&item.0), "{error}");
    assert!(keychain::get(&item.0).unwrap().is_none(), "no key is made in its place");
}

#[test]
fn eight_processes_have_one_key_in_the_credential_manager() {
    let test = "eight_processes_have_one_key_in_the_credential_manager";
    if let Some(folder) = eight_processes(test, module_path!(), KeySource::Keychain) {
        drop(Item::of(&folder.path().join("home")));
    }
}
