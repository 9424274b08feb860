//! The command `zpat`, which the package brings along.

use napi_derive::napi;

/// Runs `zpat` with these arguments, the first of which is its name, and returns its exit code. Blocks until it ends.
#[napi]
pub fn zpat(arguments: Vec<String>) -> u8 {
    zpatterns_cli::run(arguments.into_iter().map(Into::into))
}
