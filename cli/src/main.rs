//! The program `tokenkeep`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenkeep_cli::main(std::env::args_os()).into()
}
