//! Arguments and environment of a process and of its children, as anybody on the machine (arguments) or the
//! same user (environment) can read them while they run.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// There is no event for "a process has a child".
const PAUSE: Duration = Duration::from_millis(1);

/// A look at a process that is repeated until it is finished.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<Vec<u8>>>,
}

impl Watch {
    /// Begins to look at `pid`.
    pub fn begin(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        // The first look is taken here: a short process is seen as well.
        let mut seen = BTreeSet::new();
        look(pid, &mut seen);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                look(pid, &mut seen);
                std::thread::sleep(PAUSE);
            }
            seen
        });
        Watch { stop, thread }
    }

    /// All argument lists and environments that were seen, each as one text with its NULs.
    pub fn finish(self) -> BTreeSet<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("looking does not fail")
    }
}

fn look(pid: u32, seen: &mut BTreeSet<Vec<u8>>) {
    let process = Path::new("/proc").join(pid.to_string());
    for name in ["cmdline", "environ"] {
        // A process that has ended has neither.
        seen.insert(std::fs::read(process.join(name)).unwrap_or_default());
    }
    for thread in std::fs::read_dir(process.join("task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            look(child, seen);
        }
    }
}
