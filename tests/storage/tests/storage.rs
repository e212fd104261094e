//! A store that is damaged, in the wrong place or in the wrong hands, and clocks that jump.

// A case that cannot go on has failed: the panic is its report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clocks;
mod damage;
mod full_disk;
mod keychain;
mod links;
mod locks;
mod many;
mod modes;
mod odd_files;
mod owners;
mod places;
