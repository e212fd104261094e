//! How much is tried of a case: a little in `make test`, all of it in `make torture`, which prints what came out.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// Names the file that a long run writes its figures to. Unset: a short run.
const REPORT: &str = "TOKENKEEP_TORTURE";

/// `long` in `make torture`, `short` in `make test`.
pub fn scaled<T>(short: T, long: T) -> T {
    if report_file().is_some() { long } else { short }
}

/// One line for a case of docs/reliability.md, with its figure: `R1`, "2,560 of 2,560 calls, 20 refreshes".
#[track_caller]
#[allow(clippy::print_stdout, reason = "a test's stdout is shown when it fails")]
pub fn report(case: &str, figure: impl std::fmt::Display) {
    let line = format!("{case:<4} {figure}\n");
    print!("{line}");
    if let Some(path) = report_file() {
        let mut file =
            OpenOptions::new().create(true).append(true).open(&path).expect("the report can be written");
        // One call: lines of two tests do not mix.
        file.write_all(line.as_bytes()).expect("the report can be written");
    }
}

fn report_file() -> Option<PathBuf> {
    std::env::var_os(REPORT).map(PathBuf::from)
}
