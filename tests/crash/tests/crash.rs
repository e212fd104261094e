//! Killed, out of disk, without power: at every step of a refresh and a login, the store is whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod failing_calls;
mod full_disk;
mod killed_at_every_call;
mod killed_at_random;
mod power_loss;
