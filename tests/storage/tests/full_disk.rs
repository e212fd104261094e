//! S4: a disk of 64 kB that is really full, with every number of pages left.

use std::fs;
use std::io::Write;
use std::path::Path;

use authorization_server::Rotation;
use serde_json::json;
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_storage::Mounted;
use tokenkeep_test_support::{files_below, report};

const PAGE: usize = 4096;
/// More pages than a login or a refresh could want, tokens of 10 kB included.
const PAGES: usize = 9;

/// Fills the disk and gives back so many pages.
fn leave(pages: usize, disk: &Path) {
    let filler = disk.join("filler");
    let _ = fs::remove_file(&filler);
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[7; PAGE]).is_ok() {}
    let full = file.metadata().unwrap().len();
    file.set_len(full.saturating_sub((pages * PAGE) as u64)).unwrap();
}

/// The stage of a server that forgives a lost answer, as Entra does, with its store on a disk of 64 kB.
fn stage_on_a_small_disk() -> (Stage, Mounted) {
    let stage = Stage::acme();
    stage.change(|live| live.rotation = Rotation::KeepOld);
    let disk = Mounted::at(&stage.home.store(), "size=64k");
    // The folder below the disk, which had it, is out of sight.
    stage.home.add_provider(&stage.acme_definition());
    (stage, disk)
}

#[test]
fn a_full_disk_costs_no_login_and_no_token() {
    let (stage, _disk) = stage_on_a_small_disk();
    let disk = stage.home.store();
    stage.login(&[]).ok();
    let records = || files_below(&disk.join("records"));
    let large = json!({"type": "mutate", "set": {"access_token": "a".repeat(10_000)}});

    let [mut refused, mut kept_in_memory, mut written] = [0; 3];
    for pages in 0..PAGES {
        let before = records();
        let asked = stage.refreshes().len();
        leave(pages, &disk);
        // A token three times the size of the one before: its marker has room where it has not.
        stage.at_refresh(1, &large);
        let run = stage.token(&["--force-refresh", "--json"]);
        stage.server.clear_faults();
        if run.code != 0 {
            let failure = fails(&run, "store_unavailable");
            assert!(failure.help().contains("the disk is full: make room"), "{failure:?}");
            assert_eq!(stage.refreshes().len(), asked, "nothing leaves that could not be written down");
            assert_eq!(records(), before);
            refused += 1;
        } else if run.stderr.contains("could not be written") {
            kept_in_memory += 1;
        } else {
            written += 1;
        }
        assert_eq!(records().len(), 1, "{:?}", records());
        // However full it is: what is at hand is handed out.
        stage.token(&[]).ok();
    }
    assert!(refused > 0 && kept_in_memory > 0 && written > 0, "{refused} {kept_in_memory} {written}");
    fs::remove_file(disk.join("filler")).unwrap();
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    report(
        "S4",
        format!(
            "{PAGES:>6} fillings of a 64 kB disk: {refused} refused before a request, {kept_in_memory} handed out \
             from memory, {written} written; no login lost"
        ),
    );
}

#[test]
fn a_login_to_a_full_disk_asks_nobody_and_leaves_nothing_half_made() {
    let (stage, _disk) = stage_on_a_small_disk();
    let disk = stage.home.store();
    let mut refused = 0;
    for pages in 0..PAGES {
        leave(pages, &disk);
        let run = stage.login(&["--json"]);
        if run.code == 0 {
            break;
        }
        fails(&run, "store_unavailable");
        assert!(stage.server.journal().entries().is_empty(), "nobody is asked for what cannot be kept");
        for (path, content) in files_below(&disk) {
            let name = path.to_str().unwrap();
            assert!(name.ends_with(".lock") || !content.is_empty(), "{name} is half made");
            assert!(!name.ends_with(".tmp"), "{name} is left over");
        }
        refused += 1;
    }
    assert!((1..PAGES).contains(&refused), "{refused}");
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
    report(
        "S4",
        format!("{refused:>6} of {refused} logins refused before anybody was asked, the next one worked"),
    );
}
