//! `wharf`, the program. All of it is in the library next to it.

use std::process::ExitCode;

fn main() -> ExitCode {
    wharf_cli::run()
}
