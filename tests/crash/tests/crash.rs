//! Killed, out of disk, without power: at every step of a refresh and a login, the store is whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod failing_calls;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod full_disk;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod killed_at_every_call;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod killed_at_random;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod power_loss;

/// Nothing is skipped in silence.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[test]
fn wants_linux_on_x86_64() {
    panic!("the crash tests trace system calls: run them on Linux on x86-64");
}
