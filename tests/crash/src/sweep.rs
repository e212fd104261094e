//! A sweep: the same run again and again, struck at another point each time. Two benches, so that both processors have
//! something to do.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::call::Point;
use crate::trace::Trace;

/// Does `work` for every job, two at a time, each with a bench of its own; what came of them, in no order.
#[track_caller]
pub fn two_at_a_time<B, J: Sync, T: Send>(
    jobs: &[J],
    bench: impl Fn() -> B + Sync,
    work: impl Fn(&mut B, &J) -> T + Sync,
) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        let mut bench = bench();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = work(&mut bench, job);
            done.lock().expect("the other worker is well").push(outcome);
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        // The first failure is the test's own.
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    done.into_inner().expect("both workers have ended")
}

/// A point to strike.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where.
    pub point: Point,
    /// True when the call there changes the store: every run comes by it, whatever its threads do.
    pub certain: bool,
}

/// The points of a run that a sweep strikes: all of them; or in short every `step`-th, and those before and after a call
/// that matters.
pub fn targets(run: &Trace, store: &Path, step: usize) -> Vec<Target> {
    let matters = |index: usize| run.calls.get(index).is_some_and(|call| call.matters(store));
    let wanted =
        |index: usize| index.is_multiple_of(step) || matters(index) || (index > 0 && matters(index - 1));
    let target = |(index, point): (usize, &Point)| {
        let certain = matters(index) && run.calls[index].is_below(store);
        wanted(index).then(|| Target { point: point.clone(), certain })
    };
    run.points.iter().enumerate().filter_map(target).collect()
}
