//! The program: hand the arguments to the command line room, exit with its status.

use std::process::ExitCode;

fn main() -> ExitCode {
    firstfault::cli::main()
}
