//! The command `zpat`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(zpatterns_cli::run(std::env::args_os()))
}
