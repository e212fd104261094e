//! Places that are no place for a store. They are Linux's own.

use std::process::Command;

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::{program, run};

#[test]
fn read_only_or_odd_home() {
    let stage = Stage::acme();
    let path = |name: &str| stage.home.path().join(name).to_str().unwrap().to_owned();
    let at = |home: &str, arguments: &[&str]| {
        let mut command = stage.home.command(arguments);
        run(command.env("TOKENKEEP_HOME", home).env("TOKENKEEP_ACME_CLIENT_ID", "public"), "")
    };

    // Places where nobody, not even root, can make a folder; and none at all.
    std::fs::write(path("a file"), "mine").unwrap();
    let login =
        ["login", "oidc", "--issuer", &stage.server.issuer(), "--client-id", "public", "--no-browser"];
    for (home, token) in [
        (path("a file"), "store_unavailable"),
        (path("a file/below"), "store_unavailable"),
        // Nothing is there, and so no connection.
        ("/sys/kernel/tokenkeep".to_owned(), "not_connected"),
        ("/proc/tokenkeep".to_owned(), "not_connected"),
    ] {
        let run = at(&home, &["init", "--json"]);
        assert!(fails(&run, "store_unavailable").message().contains(&home), "{run:#?}");
        fails(&at(&home, &["token", "microsoft", "--json"]), token);
        // Nobody is asked for a grant that cannot be kept.
        let run = at(&home, &[&login[..], &["--json"]].concat());
        fails(&run, "store_unavailable");
        assert!(!run.stderr.contains("/authorize?"), "{run:#?}");
    }
    assert_eq!(std::fs::read_to_string(path("a file")).unwrap(), "mine");
    let mut homeless = stage.home.command(["list", "--json"]);
    fails(&run(homeless.env_remove("HOME").env_remove("TOKENKEEP_HOME"), ""), "config_invalid");

    // An odd name is as good as any.
    let odd = path("it's a \"home\" & größer, 家");
    at(&odd, &["init"]).ok();
    at(&odd, &["client", "set", "microsoft", "--client-id", "x"]).ok();
    at(&odd, &["client", "show", "microsoft"]).ok();

    // A record that is a link to somebody else's file is not followed.
    stage.login(&[]).ok();
    let (record, sealed) = stage.records().remove(0);
    std::fs::rename(&record, path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(path("elsewhere"), &record).unwrap();
    fails(&stage.token(&["--json"]), "store_unavailable");
    assert_eq!(std::fs::read(path("elsewhere")).unwrap(), sealed);
    std::fs::remove_file(&record).unwrap();
    std::fs::rename(path("elsewhere"), &record).unwrap();

    // A disk that takes not one more byte, for root as for everybody: nothing leaves that could not be
    // written down, and what is at hand is handed out.
    let full = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(program("tokenkeep"));
        command
            .args(arguments)
            .env("TOKENKEEP_HOME", stage.home.store())
            .env("TOKENKEEP_INSECURE_LOOPBACK", "1");
        run(&mut command, "")
    };
    let before = stage.records();
    fails(&full(&["token", "acme", "--force-refresh", "--json"]), "store_unavailable");
    assert!(stage.refreshes().is_empty());
    let token = full(&["token", "acme"]).ok().stdout;
    assert_eq!(stage.resource(token.trim_end()), 200);
    assert_eq!(stage.records(), before);
    stage.access_token(&["--force-refresh"]);
}
