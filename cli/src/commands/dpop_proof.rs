//! `tokenkeep dpop-proof`: what goes with a token that is bound to a key.

use serde::Serialize;
use tokenkeep::DpopProofOptions;

use super::Invocation;
use crate::args::DpopProofArgs;
use crate::exit::Failure;
use crate::output::{data, json};

#[derive(Serialize)]
struct ProofView<'a> {
    dpop_proof: &'a str,
}

pub fn run(invocation: &Invocation, args: &DpopProofArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    let options = DpopProofOptions {
        connection: key.connection,
        method: args.method.clone(),
        url: args.url.clone(),
        access_token: None,
        nonce: args.nonce.clone(),
    };
    let proof = invocation.broker.dpop_proof(&key.provider, &options)?;
    if invocation.json { json(&ProofView { dpop_proof: proof.expose() }) } else { data(proof.expose()) }
}
