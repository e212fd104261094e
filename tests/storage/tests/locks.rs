//! S12: a file system without locks, such as NFS without its lock daemon.

use std::path::Path;

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_storage::strace;
use tokenkeep_test_support::{report, run};

#[test]
fn a_file_system_without_locks_holds_no_store() {
    let mut tried = 0;
    for errno in ["ENOLCK", "EOPNOTSUPP"] {
        let stage = Stage::acme();
        let without_locks = |arguments: &[&str]| {
            let what = format!("inject=flock:error={errno}");
            run(&mut strace(&what, Path::new("/dev/null"), &stage.home.command(arguments)), "")
        };
        // Nothing is made where nothing can be kept.
        refused(&without_locks(&["init", "--json"]), "vault.lock");
        refused(&without_locks(&["login", "acme", "--no-browser", "--json"]), "vault.lock");
        assert!(!stage.home.store().join("vault.json").exists());

        stage.login(&[]).ok();
        let records = stage.records();
        refused(&without_locks(&["token", "acme", "--force-refresh", "--json"]), ".lock");
        refused(&without_locks(&["logout", "acme", "--json"]), ".lock");
        refused(&without_locks(&["client", "set", "acme", "--client-id", "x", "--json"]), ".lock");
        assert!(stage.refreshes().is_empty(), "without a lock no refresh token leaves");
        assert_eq!(stage.records(), records);
        // To read takes no lock.
        assert_eq!(without_locks(&["token", "acme"]).ok().stdout.trim_end(), stage.access_token(&[]));
        without_locks(&["list"]).ok();
        stage.access_token(&["--force-refresh"]);
        tried += 5;
    }
    report(
        "S12",
        format!("{tried:>6} of {tried} writes without flock (ENOLCK, EOPNOTSUPP) refused, nothing was sent"),
    );
}

#[track_caller]
fn refused(run: &tokenkeep_test_support::Run, file: &str) {
    let failure = fails(run, "store_unavailable");
    assert!(
        failure.message().contains(file) && failure.message().contains("cannot be locked"),
        "{failure:?}"
    );
    assert!(
        failure.help().contains("TOKENKEEP_HOME") && failure.help().contains("local disk"),
        "{failure:?}"
    );
}
