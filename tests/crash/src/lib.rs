//! Killed, out of disk, without power: at every step of a refresh and a login, the store is whole.
