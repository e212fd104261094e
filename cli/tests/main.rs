//! The command line as a person and a script meet it: the binary, a home of its own, no network beyond
//! this machine.
//!
//! | file | holds |
//! |---|---|
//! | `help` | `--help`, `--version`, completions |
//! | `errors` | what goes wrong, and what is said then |
//! | `store` | `init`, `providers`, `client` |
//! | `login` | from a login to a logout |
//! | `signals` | what ends it from without |
//! | `terminal` | what is different in front of a person |
//! | `support`, `server` | a home and the binary; an authorization server of a few lines |

#[cfg(test)]
mod errors;
#[cfg(test)]
mod help;
#[cfg(test)]
mod login;
#[cfg(test)]
mod server;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terminal;
