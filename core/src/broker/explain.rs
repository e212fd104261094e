//! `explain`: what the numbers in a server's error mean, who must act, and what to type.

use super::Broker;

/// What one error code means. For people: nothing branches on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// As it is searched for: `AADSTS65001`.
    pub code: String,
    /// Microsoft's short name of it.
    pub name: String,
    /// What happened, in a sentence.
    pub meaning: String,
    /// Who must act: `user`, `developer`, `administrator`, `service` or `nobody`.
    pub who: String,
    /// What they must do, in a sentence.
    pub remedy: String,
    /// What to type, where a command is part of it. Words in capitals are to be filled in.
    pub command: Option<String>,
}

impl Broker {
    /// The codes in `text` that are known, in their order: one code, or a whole error as it was pasted.
    pub fn explain(&self, text: &str) -> Vec<Explanation> {
        let _ = text;
        Vec::new()
    }
}
