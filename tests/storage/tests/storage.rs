//! A store that is damaged, in the wrong place or in the wrong hands, and clocks that jump.

// A case that cannot go on has failed: the panic is its report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;

// Linux has what these need: mounts, strace, faketime, users without an entry.
#[cfg(target_os = "linux")]
mod clocks;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(target_os = "linux")]
mod keychain;
#[cfg(target_os = "linux")]
mod links;
#[cfg(target_os = "linux")]
mod locks;
#[cfg(target_os = "linux")]
mod many;
#[cfg(target_os = "linux")]
mod modes;
#[cfg(target_os = "linux")]
mod odd_files;
#[cfg(target_os = "linux")]
mod owners;
#[cfg(target_os = "linux")]
mod places;
